package org.filigree.bench;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** PyTorch in a Python process of its own, eager and compiled; one JSON object a line in each direction. */
final class PyTorchPeer implements Peer {
    private static final JsonMapper JSON = new JsonMapper();

    private final Process process;
    private final BufferedWriter requests;
    private final BufferedReader replies;
    private final String description;

    private PyTorchPeer(Process process, BufferedWriter requests, BufferedReader replies, String description) {
        this.process = process;
        this.requests = requests;
        this.replies = replies;
        this.description = description;
    }

    /** Starts the script, or says why that is impossible. */
    static Peer start(String python, Path script, int threads, Map<String, String> environment) {
        if (!Files.isRegularFile(script)) {
            return new NoPeer("no peer: " + script + " not found; run from the root of the repository");
        }
        Process process;
        try {
            var builder = new ProcessBuilder(python, script.toString(), Integer.toString(threads))
                    .redirectError(ProcessBuilder.Redirect.INHERIT);
            builder.environment().putAll(environment);
            process = builder.start();
        } catch (IOException e) {
            return new NoPeer("no peer: " + python + " does not start (" + e.getMessage() + ")");
        }
        BufferedReader replies = process.inputReader();
        try {
            String greeting = replies.readLine();
            if (greeting == null) {
                return new NoPeer("no peer: " + python + " has no usable PyTorch");
            }
            String description = JSON.readTree(greeting).path("peer").asString();
            return new PyTorchPeer(process, process.outputWriter(), replies, description);
        } catch (IOException e) {
            process.destroy();
            return new NoPeer("no peer: " + e.getMessage());
        }
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public List<Form> prepare(String kind, Map<String, Object> arguments) {
        JsonNode reply = ask(Map.of("do", "prepare", "kind", kind, "arguments", arguments));
        List<Form> forms = new ArrayList<>();
        for (JsonNode form : reply.path("forms")) {
            List<Result> results = new ArrayList<>();
            for (JsonNode result : form.path("results")) {
                List<Integer> positions = new ArrayList<>();
                List<Double> values = new ArrayList<>();
                result.path("positions").forEach(position -> positions.add(position.asInt()));
                result.path("values").forEach(value -> values.add(value.asDouble()));
                results.add(new Result(positions, values, result.path("norm").asDouble()));
            }
            forms.add(new Form(form.path("name").asString(), results));
        }
        return forms;
    }

    @Override
    public void run(String form, double seconds, Measurement into) {
        JsonNode reply = ask(Map.of("do", "run", "form", form, "seconds", seconds));
        reply.path("times").forEach(time -> into.add(time.asDouble()));
    }

    private JsonNode ask(Map<String, Object> request) {
        try {
            requests.write(JSON.writeValueAsString(request));
            requests.newLine();
            requests.flush();
            String reply = replies.readLine();
            if (reply == null) {
                throw new IllegalStateException("peer: the Python process ended at " + request);
            }
            JsonNode node = JSON.readTree(reply);
            if (node.has("error")) {
                throw new IllegalStateException("peer: " + node.path("error").asString());
            }
            return node;
        } catch (IOException e) {
            throw new UncheckedIOException("peer: talking to Python failed at " + request, e);
        }
    }

    @Override
    public void close() {
        try {
            requests.close();
            if (!process.waitFor(5, TimeUnit.SECONDS)) {
                process.destroy();
            }
        } catch (IOException e) {
            process.destroy();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
        }
    }
}
