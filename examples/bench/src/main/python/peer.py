"""The PyTorch side of the benchmarks.

Reads one JSON object a line and answers each with one: prepare a piece of work, then run one of its forms (eager, or
compiled with torch.compile) for some seconds and give the times. Operands are made from the same hash as on the Java
side, and a sample of the results is returned to be compared.
"""

import json
import os
import sys
import time

SAMPLES = 257

try:
    import filelock  # noqa: F401
    import fsspec  # noqa: F401
except ImportError:
    # Distributions package what torch.compile needs for their own interpreter; both modules are plain Python.
    sys.path.append("/usr/lib/python3/dist-packages")

import torch
import torch.nn.functional as F


def tensor(seed, *dims):
    """Values in [-1, 1) from a hash of the index, as Inputs.java makes them."""
    count = 1
    for dim in dims:
        count *= dim
    mask = 0xFFFFFFFF
    hashed = (torch.arange(count, dtype=torch.int64) * 0x9E3779B9 + seed * 40503) & mask
    hashed = hashed ^ (hashed >> 16)
    hashed = (hashed * 0x45D9F3B) & mask
    hashed = hashed ^ (hashed >> 16)
    return ((hashed >> 8).to(torch.float32) * 2.0**-23 - 1.0).reshape(dims)


def matmul(form, m, n, k):
    left = tensor(1, k, m) if form == "LEFT_TRANSPOSED" else tensor(1, m, k)
    right = tensor(2, n, k) if form == "RIGHT_TRANSPOSED" else tensor(2, k, n)
    if form == "PLAIN":
        return (lambda x, w: x @ w), (left, right)
    if form == "RIGHT_TRANSPOSED":
        return F.linear, (left, right)
    return (lambda x, y: x.t() @ y), (left, right)


def classes(seed, count, limit):
    return ((tensor(seed, count) + 1) * (limit / 2)).long()


def with_gradients(function, upstream, *leaves):
    """A function that gives the result of another, and the gradients of its operands."""
    leaves = tuple(leaf.requires_grad_() for leaf in leaves)

    def prepared(form):
        def run():
            with torch.enable_grad():
                result = form(*leaves)
                return (result.detach(), *torch.autograd.grad(result, leaves, upstream))

        return run

    return function, prepared


def softmax(x):
    return torch.softmax(x, -1)


def rms_norm(x, weight):
    return F.rms_norm(x, (x.shape[-1],), weight, 1e-6)


def swiglu(gate, up):
    return F.silu(gate) * up


def cross_entropy_gradient(m, n):
    targets = classes(2, m, n)
    return with_gradients(lambda x: F.cross_entropy(x, targets), None, 4 * tensor(1, m, n))


def sinkhorn(logits, iterations):
    x = logits.softmax(-1) + 1e-6
    x = x / (x.sum(-2, keepdim=True) + 1e-6)
    for _ in range(iterations - 1):
        x = x / (x.sum(-1, keepdim=True) + 1e-6)
        x = x / (x.sum(-2, keepdim=True) + 1e-6)
    return x


def mixing_matrices(tokens, n, iterations):
    return lambda x: sinkhorn(x, iterations), (4 * tensor(1, tokens, n, n),)


def mixing_matrices_gradient(tokens, n, iterations):
    function, (logits,) = mixing_matrices(tokens, n, iterations)
    return with_gradients(function, tensor(2, tokens, n, n), logits)


def hyper_connections_gradient(tokens, n, width, iterations):
    """One mHC sub-layer around the identity."""

    def sub_layer(x, fn, base, scale):
        v = x.flatten(-2)
        m = F.linear(v, fn) * torch.rsqrt(v.square().mean(-1, keepdim=True) + 1e-6)
        pre = torch.sigmoid(m[..., :n] * scale[0] + base[:n]) + 1e-6
        post = 2 * torch.sigmoid(m[..., n : 2 * n] * scale[1] + base[n : 2 * n])
        comb = sinkhorn((m[..., 2 * n :] * scale[2] + base[2 * n :]).unflatten(-1, (n, n)), iterations)
        y = (pre.unsqueeze(-1) * x).sum(-2)
        return post.unsqueeze(-1) * y.unsqueeze(-2) + torch.einsum("tjk,tjc->tkc", comb, x)

    rows = n * (n + 2)
    leaves = (tensor(1, tokens, n, width), tensor(2, rows, n * width) / 64, tensor(3, rows), tensor(4, 3))
    return with_gradients(sub_layer, tensor(5, tokens, n, width), *leaves)


def fp8_rows(latent, rotary):
    """Rows of V32_FP8Sparse: 512 E4M3 codes, four float32 scales that are powers of two, 64 bfloat16 numbers."""
    tiles = latent.unflatten(-1, (4, 128))
    scales = torch.exp2(torch.ceil(torch.log2(tiles.abs().amax(-1).clamp_min(1e-4) / 448)))
    codes = (tiles / scales.unsqueeze(-1)).to(torch.float8_e4m3fn).flatten(-2)
    return torch.cat((codes.view(torch.uint8), scales.view(torch.uint8), rotary.bfloat16().view(torch.uint8)), -1)


def widened(rows):
    codes = rows[..., :512].view(torch.float8_e4m3fn).float().unflatten(-1, (4, 128))
    latent = (codes * rows[..., 512:528].view(torch.float32).unsqueeze(-1)).flatten(-2)
    return torch.cat((latent, rows[..., 528:].view(torch.bfloat16).float()), -1)


def fp8_sparse_attention(keys, chosen, heads, scale):
    def attend(queries, pages, indices):
        key_values = widened(pages[indices])
        logits = (queries @ key_values.t()) * scale
        return torch.softmax(logits, -1) @ key_values[:, :512], torch.logsumexp(logits, -1)

    rows = [tensor(10 + i, 4096, 576) for i in range(keys // 4096)]
    pages = torch.cat([fp8_rows(row[:, :512], row[:, 512:]) for row in rows])
    return attend, (tensor(1, heads, 576), pages, classes(2, chosen, keys))


def fp8_append(tokens):
    """Rows scattered to the slots of pages; what is compared is read back afterwards."""

    def append(latent, rotary, pages, slots):
        pages[slots] = fp8_rows(latent, rotary)
        return pages

    rows = tensor(10, tokens, 576)
    pages = torch.zeros(4096, 656, dtype=torch.uint8)
    operands = (rows[:, :512].contiguous(), rows[:, 512:].contiguous(), pages, torch.arange(tokens))
    return append, operands, lambda pages: widened(pages[:tokens])


def latent_attention(tokens, width, heads, latent, content, rotary, value):
    """Causal latent attention with keys and values of every head, through scaled_dot_product_attention."""
    positions = torch.arange(tokens, dtype=torch.float32)
    angles = torch.outer(positions, 1 / 10000 ** (torch.arange(0, rotary, 2, dtype=torch.float32) / rotary))
    cos, sin = angles.cos(), angles.sin()

    def rotated(x):
        even, odd = x[..., 0::2], x[..., 1::2]
        return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)

    def attend(x, wq, down, norm, up, out):
        q = F.linear(x, wq).unflatten(-1, (heads, content + rotary)).transpose(0, 1)
        q = torch.cat((q[..., :content], rotated(q[..., content:])), -1)
        c, shared = F.linear(x, down).split((latent, rotary), -1)
        kv = F.linear(F.rms_norm(c, (latent,), norm, 1e-6), up).unflatten(-1, (heads, content + value)).transpose(0, 1)
        k = torch.cat((kv[..., :content], rotated(shared).expand(heads, tokens, rotary)), -1)
        mixed = F.scaled_dot_product_attention(q[None], k[None], kv[None, ..., content:], is_causal=True)
        return F.linear(mixed[0].transpose(0, 1).flatten(-2), out)

    weights = (
        tensor(2, heads * (content + rotary), width) / 32,
        tensor(3, latent + rotary, width) / 32,
        torch.ones(latent),
        tensor(4, heads * (content + value), latent) / 32,
        tensor(5, width, heads * value) / 32,
    )
    return attend, (tensor(1, tokens, width), *weights)


def latent_attention_gradient(tokens, width, **sizes):
    attend, leaves = latent_attention(tokens, width, **sizes)
    return with_gradients(attend, tensor(6, tokens, width), *leaves)


def index_scores(tokens, heads, dim, keys):
    def scores(q, w, k):
        return (w.unsqueeze(-2) @ F.relu(q @ k.t())).squeeze(-2)

    return scores, (tensor(1, tokens, heads, dim), tensor(2, tokens, heads), tensor(3, keys, dim))


# Name of the work -> function of its sizes that gives a function of tensors, and its operands or what turns a form of the
# function into the timed call, and, if that is not the result itself, a function that gives what is compared. The result of the work is
# one tensor or a tuple.
KINDS = {
    "matmul": matmul,
    "add": lambda m, n: (torch.add, (tensor(1, m, n), tensor(2, m, n))),
    "affine": lambda m, n: (lambda x: x * 1.5 + 0.25, (tensor(1, m, n),)),
    "exp": lambda m, n: (torch.exp, (4 * tensor(1, m, n),)),
    "softmax": lambda m, n: (softmax, (4 * tensor(1, m, n),)),
    "softmax_gradient": lambda m, n: with_gradients(softmax, tensor(2, m, n), 4 * tensor(1, m, n)),
    "rms_norm": lambda m, n: (rms_norm, (4 * tensor(1, m, n), tensor(2, n))),
    "rms_norm_gradient": lambda m, n: with_gradients(rms_norm, tensor(3, m, n), 4 * tensor(1, m, n), tensor(2, n)),
    "swiglu": lambda m, n: (swiglu, (4 * tensor(1, m, n), tensor(2, m, n))),
    "swiglu_gradient": lambda m, n: with_gradients(swiglu, tensor(3, m, n), 4 * tensor(1, m, n), tensor(2, m, n)),
    "cross_entropy_gradient": cross_entropy_gradient,
    "sinkhorn": mixing_matrices,
    "sinkhorn_gradient": mixing_matrices_gradient,
    "hyper_connections_gradient": hyper_connections_gradient,
    "latent_attention": latent_attention,
    "latent_attention_gradient": latent_attention_gradient,
    "index_scores": index_scores,
    "top_k": lambda n, k: (lambda x: torch.topk(x, k).values, (tensor(1, 1, n),)),
    "fp8_sparse_attention": fp8_sparse_attention,
    "fp8_append": fp8_append,
}

forms = {}


def prepare(kind, arguments):
    forms.clear()
    torch._dynamo.reset()
    work, operands, *compared = KINDS[kind](**arguments)
    answers = []
    candidates = [("eager", work)]
    if "--no-compile" not in sys.argv:
        candidates.append(("compiled", torch.compile(work)))
    for name, function in candidates:
        call = operands(function) if callable(operands) else lambda function=function: function(*operands)
        try:
            results = compared[0](call()) if compared else call()
            deadline = time.perf_counter() + 0.3
            while time.perf_counter() < deadline:
                call()
        except Exception as failure:  # a missing compiler or module: the other form still counts
            print(f"peer: {kind} {name} left out: {type(failure).__name__}: {failure}", file=sys.stderr)
            continue
        forms[name] = call
        answers.append({"name": name, "results": [described(x) for x in (results if isinstance(results, tuple) else (results,))]})
    return {"forms": answers}


def described(result):
    flat = result.detach().reshape(-1)
    positions = torch.linspace(0, flat.numel() - 1, min(SAMPLES, flat.numel()), dtype=torch.float64).long()
    norm = torch.linalg.vector_norm(flat, dtype=torch.float64)
    return {"positions": positions.tolist(), "values": flat[positions].tolist(), "norm": norm.item()}


def run(form, seconds):
    work = forms[form]
    times = []
    deadline = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < deadline:
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return {"times": times}


def main():
    # Results go through the original standard output; anything that libraries print goes to standard error.
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(int(sys.argv[1]))
    torch.set_grad_enabled(False)

    def reply(answer):
        replies.write(json.dumps(answer) + "\n")
        replies.flush()

    reply({"peer": f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                reply(prepare(request["kind"], request["arguments"]))
            else:
                reply(run(request["form"], request["seconds"]))
        except Exception as failure:
            reply({"error": f"{type(failure).__name__}: {failure}"})


main()
