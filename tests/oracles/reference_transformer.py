"""MarianMT's encoder-decoder Transformer in plain PyTorch (1.13 and newer): its mathematics, its parameter names.

Post-norm, scaled embeddings, sinusoidal positions (sines in the first half, cosines in the second). The configuration
is a snapshot's config.json. Batches are padded; `packed` takes the padding out again.
"""

import math

import numpy
import torch
from torch import nn
from torch.nn import functional as F

IGNORED = -100  # the label of padding
ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu, "silu": F.silu, "swish": F.silu}


def sinusoids(positions, size):
    """(positions, size), rounded to float32 as MarianMTModel stores them."""
    angles = numpy.arange(positions)[:, None] / 10000 ** (2 * numpy.arange(size // 2)[None, :] / size)
    return torch.tensor(numpy.concatenate([numpy.sin(angles), numpy.cos(angles)], axis=1).astype(numpy.float32))


class Attention(nn.Module):
    def __init__(self, size, heads, dropout, fused):
        super().__init__()
        self.heads, self.dropout, self.fused = heads, dropout, fused
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(size, size) for _ in range(4))

    def split(self, x):  # (B,T,D) to (B,heads,T,D/heads)
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, queries, keys, allowed, causal, record, name):
        """allowed: (B,1,1,K), true where a key may be seen, or None; causal: no key behind the query's place."""
        q, k, v = self.split(self.q_proj(queries)), self.split(self.k_proj(keys)), self.split(self.v_proj(keys))
        dropout = self.dropout if self.training else 0.0
        if self.fused:
            context = F.scaled_dot_product_attention(q, k, v, allowed, dropout, causal)
        else:
            scores = q @ k.transpose(2, 3) * q.shape[-1] ** -0.5
            if allowed is not None:
                scores = scores.masked_fill(~allowed, -math.inf)
            if causal:
                future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
                scores = scores.masked_fill(future, -math.inf)
            context = F.dropout(scores.softmax(-1), dropout) @ v
        context = context.transpose(1, 2).reshape(queries.shape)
        record(name + ".context", context)
        return self.out_proj(context)


class Layer(nn.Module):
    """An encoder's layer, or with `cross` a decoder's."""

    def __init__(self, config, side, cross, fused):
        super().__init__()
        size, hidden = config["d_model"], config[side + "_ffn_dim"]
        self.dropout, self.activation_dropout = config["dropout"], config["activation_dropout"]
        self.activation = ACTIVATIONS[config["activation_function"]]
        attention = (size, config[side + "_attention_heads"], config["attention_dropout"], fused)
        self.self_attn = Attention(*attention)
        self.self_attn_layer_norm = nn.LayerNorm(size)
        if cross:
            self.encoder_attn = Attention(*attention)
            self.encoder_attn_layer_norm = nn.LayerNorm(size)
        self.fc1, self.fc2 = nn.Linear(size, hidden), nn.Linear(hidden, size)
        self.final_layer_norm = nn.LayerNorm(size)

    def add(self, residual, x, norm):
        return norm(residual + F.dropout(x, self.dropout, self.training))

    def forward(self, x, memory, allowed, causal, record, name):
        """allowed: the keys of the encoder's states, seen by the cross attention, or by the self attention if none."""
        self_allowed = allowed if memory is None else None
        y = self.self_attn(x, x, self_allowed, causal, record, name + ".self_attn")
        x = record(name + ".self_attn.output", self.add(x, y, self.self_attn_layer_norm))
        if memory is not None:
            y = self.encoder_attn(x, memory, allowed, False, record, name + ".cross_attn")
            x = record(name + ".cross_attn.output", self.add(x, y, self.encoder_attn_layer_norm))
        hidden = record(name + ".feed_forward.hidden", self.activation(self.fc1(x)))
        y = self.fc2(F.dropout(hidden, self.activation_dropout, self.training))
        return record(name + ".output", self.add(x, y, self.final_layer_norm))


class Side(nn.Module):
    """The encoder or the decoder. Its own embedding table is absent where one is shared."""

    def __init__(self, config, side, fused):
        super().__init__()
        self.side, self.dropout = side, config["dropout"]
        self.pad = config["pad_token_id"]
        self.scale = math.sqrt(config["d_model"]) if config["scale_embedding"] else 1.0
        if not config["share_encoder_decoder_embeddings"]:
            vocabulary = config["vocab_size" if side == "encoder" else "decoder_vocab_size"]
            self.embed_tokens = nn.Embedding(vocabulary, config["d_model"], self.pad)
        cross = side == "decoder"
        self.layers = nn.ModuleList(Layer(config, side, cross, fused) for _ in range(config[side + "_layers"]))

    def forward(self, tokens, table, positions, memory, allowed, record):
        x = F.embedding(tokens, table, self.pad) * self.scale + positions[: tokens.shape[1]]
        x = record(self.side + ".embedded", F.dropout(x, self.dropout, self.training))
        for index, layer in enumerate(self.layers):
            x = layer(x, memory, allowed, self.side == "decoder", record, f"{self.side}.layers.{index}")
        return x


class Model(nn.Module):
    def __init__(self, config, fused):
        super().__init__()
        if config["share_encoder_decoder_embeddings"]:
            self.shared = nn.Embedding(config["vocab_size"], config["d_model"], config["pad_token_id"])
        self.encoder, self.decoder = Side(config, "encoder", fused), Side(config, "decoder", fused)

    def table(self, side):
        return self.shared.weight if hasattr(self, "shared") else side.embed_tokens.weight


def ignore_record(_, tensor):
    return tensor


class ReferenceTransformer(nn.Module):
    def __init__(self, config, fused_attention=False):
        """fused_attention: PyTorch's own scaled_dot_product_attention (2.0 and newer)."""
        super().__init__()
        self.config, self.pad = config, config["pad_token_id"]
        self.model = Model(config, fused_attention)
        if not config["tie_word_embeddings"]:
            vocabulary = config["vocab_size" if config["share_encoder_decoder_embeddings"] else "decoder_vocab_size"]
            self.lm_head = nn.Linear(config["d_model"], vocabulary, bias=False)
        positions = sinusoids(config["max_position_embeddings"], config["d_model"])
        self.register_buffer("positions", positions, persistent=False)
        self.zero_pad_rows()

    def tables(self):
        """The distinct embedding tables."""
        return list({id(t): t for t in (self.model.table(self.model.encoder), self.model.table(self.model.decoder))}.values())

    @torch.no_grad()
    def zero_pad_rows(self):
        for table in self.tables():
            table[self.pad] = 0

    @torch.no_grad()
    def zero_pad_gradients(self):
        """After backward: the pad row of a table is never updated, also where the table is the output projection."""
        for table in self.tables():
            table.grad[self.pad] = 0

    def encode(self, source, record=ignore_record):
        """source: (B,S), padded; returns the states and where keys may be seen."""
        allowed = (source != self.pad)[:, None, None, :]
        table = self.model.table(self.model.encoder)
        return self.model.encoder(source, table, self.positions, None, allowed, record), allowed

    def decode(self, target_input, memory, allowed, record=ignore_record):
        """target_input: (B,T), padded behind each sentence, which causality alone hides; returns (B,T,V)."""
        table = self.model.table(self.model.decoder)
        x = self.model.decoder(target_input, table, self.positions, memory, allowed, record)
        return F.linear(x, table if self.config["tie_word_embeddings"] else self.lm_head.weight)

    def forward(self, source, target_input, labels, label_smoothing=0.0):
        """The loss summed over target tokens. labels: (B,T), IGNORED where there is padding."""
        logits = self.decode(target_input, *self.encode(source))
        return loss_sum(logits, labels, label_smoothing)

    @torch.no_grad()
    def greedy(self, source, max_new_tokens):
        """Tokens up to and with eos for each row of source (B,S), and the least lead of a best token over the next."""
        memory, allowed = self.encode(source)
        tokens = torch.full((source.shape[0], 1), self.config["decoder_start_token_id"])
        done, lead = torch.zeros(source.shape[0], dtype=torch.bool), math.inf
        for _ in range(max_new_tokens):
            logits = self.decode(tokens, memory, allowed)[:, -1]
            logits[:, self.pad] = -math.inf
            best = logits.topk(2).values[~done]
            lead = min(lead, (best[:, 0] - best[:, 1]).min().item())
            chosen = logits.argmax(-1).masked_fill(done, self.pad)
            tokens = torch.cat([tokens, chosen[:, None]], 1)
            done |= chosen == self.config["eos_token_id"]
            if done.all():
                break
        return [[t for t in row if t != self.pad] for row in tokens[:, 1:].tolist()], lead


def loss_sum(logits, labels, label_smoothing=0.0):
    """Cross-entropy summed over target tokens; with smoothing, every class counts, that of padding too."""
    flat = logits.reshape(-1, logits.shape[-1])
    return F.cross_entropy(
        flat, labels.reshape(-1), ignore_index=IGNORED, reduction="sum", label_smoothing=label_smoothing
    )


def clip_gradients(parameters, max_norm):
    """Scales all gradients by min(1, max_norm / norm); returns the norm before."""
    gradients = [p.grad for p in parameters]
    norm = torch.stack([g.norm() for g in gradients]).norm()
    scale = max_norm / norm
    if scale < 1:
        for gradient in gradients:
            gradient.mul_(scale)
    return norm


def padded(rows, value):
    """(B, longest) of int64."""
    array = numpy.full((len(rows), max(map(len, rows))), value, numpy.int64)
    for i, row in enumerate(rows):
        array[i, : len(row)] = row
    return torch.from_numpy(array)


def packed(tensor, lengths):
    """(B,T,D) to (sum of lengths, D): the rows that are no padding, in sentence order."""
    return torch.cat([tensor[i, :length] for i, length in enumerate(lengths)])


def weights_from_file(model, tensors):
    """Takes the weights from a snapshot's tensors (numpy); fails when any is missing, left over or of another shape."""
    expected = dict(model.named_parameters())
    known_extras = {"final_logits_bias"}
    if model.config["share_encoder_decoder_embeddings"]:
        known_extras |= {"model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"}
    difference = set(expected) ^ (set(tensors) - known_extras)
    if difference:
        raise SystemExit(f"the model and the file differ in the tensors {sorted(difference)}")
    if numpy.any(tensors.get("final_logits_bias", 0)):
        raise SystemExit("final_logits_bias is not zero")
    with torch.no_grad():
        for name, parameter in expected.items():
            if tuple(parameter.shape) != tensors[name].shape:
                raise SystemExit(f"{name}: {tuple(parameter.shape)} expected, {tensors[name].shape} found")
            parameter.copy_(torch.from_numpy(tensors[name]))


def weights_to_file(model):
    """The tensors of model.safetensors as MarianMTModel.save_pretrained names them, as numpy arrays."""
    tensors = {name: p.detach().float().numpy() for name, p in model.named_parameters()}
    shared, tied = model.config["share_encoder_decoder_embeddings"], model.config["tie_word_embeddings"]
    if shared and not tied:
        for side in ("encoder", "decoder"):
            tensors[f"model.{side}.embed_tokens.weight"] = tensors["model.shared.weight"]
    vocabulary = model.config["vocab_size" if shared else "decoder_vocab_size"]
    tensors["final_logits_bias"] = numpy.zeros((1, vocabulary), numpy.float32)
    return tensors
