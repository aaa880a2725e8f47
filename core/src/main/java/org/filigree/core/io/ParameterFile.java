package org.filigree.core.io;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.filigree.core.backend.Backend;
import org.filigree.core.nn.Parameter;
import org.filigree.core.nn.ParameterMap;
import org.filigree.core.tensor.DType;
import org.filigree.core.tensor.Tensor;

/** Parameters to and from safetensors, each under its dotted path. Real parameters are stored as F32, integer ones as I32. */
public final class ParameterFile {
    private ParameterFile() {}

    /**
     * Writes all parameters into one file, which appears whole or not at all.
     *
     * @param file where to
     * @param parameters what to write
     * @param metadata lines about the file itself
     * @throws IOException if the file cannot be written
     */
    public static void save(Path file, ParameterMap parameters, Map<String, String> metadata) throws IOException {
        var writer = new SafetensorsWriter();
        metadata.forEach(writer::metadata);
        parameters.forEach((path, parameter) -> writer.add(stored(path, parameter.value())));
        writer.write(file);
    }

    /**
     * Overwrites every parameter with the stored tensor of its path; any stored format widens. Nothing is overwritten unless
     * all tensors are there, have the right shapes, store integers where the model has integers and real numbers where it has
     * those, can be read, and no others are.
     *
     * @param source stored tensors
     * @param parameters what to overwrite
     * @throws SafetensorsException listing every missing, unknown, mis-shaped or mis-typed tensor, or naming the one with an
     *     integer out of range
     */
    public static void load(TensorSource source, ParameterMap parameters) {
        var problems = new ArrayList<String>();
        parameters.forEach((path, parameter) -> check(source, path, parameter.value(), problems));
        for (String name : source.names()) {
            if (!parameters.asMap().containsKey(name)) {
                problems.add(name + " is stored but the model has no such parameter");
            }
        }
        refuse(problems);
        var values = new LinkedHashMap<Parameter, Tensor>();
        parameters.forEach((path, parameter) -> values.put(parameter, tensor(source, path, parameter.value())));
        values.forEach(Parameter::assign);
    }

    static void refuse(List<String> problems) {
        if (!problems.isEmpty()) {
            throw SafetensorsException.ofContent("the stored tensors do not fit the model, " + problems.size()
                    + " times: " + String.join("; ", problems));
        }
    }

    static void check(TensorSource source, String name, Tensor target, List<String> problems) {
        if (!source.contains(name)) {
            problems.add(name + " " + target.shape() + " is missing");
            return;
        }
        long[] wanted =
                Arrays.stream(target.shape().toArray()).mapToLong(dim -> dim).toArray();
        long[] found = source.tensor(name).shape();
        if (!Arrays.equals(wanted, found)) {
            problems.add(name + " is " + Arrays.toString(found) + " but the model needs " + target.shape());
        }
        StoredType type = source.tensor(name).type();
        if (type.isFloating() != (target.dtype() == DType.FLOAT32)) {
            problems.add(name + " is stored as " + type.code() + " but the model needs " + target.dtype());
        }
    }

    /** A stored tensor that passed the {@link #check}, in the type, shape and on the backend of another. */
    static Tensor tensor(TensorSource source, String name, Tensor like) {
        Backend backend = Backend.of(like);
        StoredTensor stored = source.tensor(name);
        try {
            return like.dtype() == DType.INT32
                    ? backend.tensors().ints(like.shape(), stored.toInts())
                    : backend.tensors().floats(like.shape(), stored.toFloats());
        } catch (ArithmeticException outOfRange) {
            throw SafetensorsException.ofReading(source, name, outOfRange);
        }
    }

    static StoredTensor stored(String name, Tensor tensor) {
        long[] shape =
                Arrays.stream(tensor.shape().toArray()).mapToLong(dim -> dim).toArray();
        return tensor.dtype() == DType.INT32
                ? StoredTensor.ofInts(name, shape, tensor.toInts())
                : StoredTensor.ofFloats(name, StoredType.F32, shape, tensor.toFloats());
    }
}
