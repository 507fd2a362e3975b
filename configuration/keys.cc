// The table of settings. A new setting is a member in settings.h, a line here, and a line in settings.yaml (a test says
// so).
#include "configuration/keys.h"

#include <algorithm>
#include <cctype>

#include "configuration/patterns.h"
#include "configuration/text.h"

namespace podium {
namespace {

using enum Changes;

constexpr double kMany = 1e12;  // bound for counts without a natural one; exact as double, products stay in int64

Limits from(double minimum, double maximum = kMany) { return {.minimum = minimum, .maximum = maximum}; }
Limits positive(double maximum = kMany) { return {.minimum = 0, .maximum = maximum, .above_minimum = true}; }
Limits below_one() { return {.minimum = 0, .maximum = 1, .below_maximum = true}; }
Limits any() { return {}; }
Limits files() { return {.maximum = 2}; }
Limits patterns() {
  return {.maximum = 1000, .accepts = is_pattern, .expected = "names of parameters, * and ? allowed"};
}
Limits form(bool (*accepts)(std::string_view), std::string_view expected) {
  return {.accepts = accepts, .expected = expected};
}

template <typename Enum>
Choice one_of(Enum& value, std::vector<std::string_view> names) {
  return {std::move(names), [&value] { return static_cast<size_t>(value); },
          [&value](size_t index) { value = static_cast<Enum>(index); }};
}

bool is_bucket(std::string_view text) {
  return text.empty() || (text.starts_with("file:///") && text.size() > 8) ||
         (text.size() >= 3 && text.size() <= 222 && only(text, kLower, kDigits, "-_."));
}
bool is_language(std::string_view text) {
  return !text.empty() && text.size() <= 35 && only(text, kLower, kUpper, kDigits, "-_");
}
bool is_dataset(std::string_view text) { return text.empty() || text == "libreoffice-help"; }
bool is_sha256(std::string_view text) { return text.empty() || (text.size() == 64 && only(text, kDigits, "abcdef")); }
bool is_file_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text[0] != '.' && text[0] != '-' &&
         only(text, kLower, kUpper, kDigits, "-_.");
}
bool is_run_name(std::string_view text) { return text.empty() || is_file_name(text); }
bool is_resume(std::string_view text) {
  return text == "latest" || text == "best" || text == "none" || (text.starts_with("step-") && is_file_name(text));
}
bool is_folder(std::string_view text) { return !text.empty(); }

}  // namespace

std::vector<Key> settings_keys(Settings& s) {
  const Limits folder = form(is_folder, "the path of a folder");
  const Limits language = form(is_language, "a language code like pt or pt-BR");
  return {
      {"worker_count", &s.worker_count, from(1, 65536), "workers",
       "the global batch of a new run is worker_count x local_batch_size", kOperation},
      {"local_batch_size", &s.local_batch_size, from(1, 1e7), "", "pairs or target tokens (training.batch_by) a worker",
       kMathematics},
      {"cloud_storage_bucket_name", &s.cloud_storage_bucket_name,
       form(is_bucket, "a bucket's name without gs://, file:///FOLDER, or nothing"), "",
       "snapshots are copied into it; or file:///FOLDER; empty: they stay in snapshots.folder", kOperation},
      {"cloud_storage_upload_folder", &s.cloud_storage_upload_folder, any(), "", "folder inside the bucket",
       kOperation},
      {"preset", &s.preset, any(), "",
       "quickstart, tutorial, transformer-base, transformer-big, language-model, classification; empty: defaults only",
       kOperation},
      {"cloud_storage_key_file", &s.cloud_storage_key_file, any(), "",
       "Google credentials as JSON; empty: those of the environment, of gcloud or of the machine", kOperation},
      {"task", one_of(s.task, {"translation", "language-model", "classification"}), any(), "", "what is learnt",
       kMathematics},
      {"run_name", &s.run_name, form(is_run_name, "a file name of letters, digits, '-', '_' and '.', or nothing"), "",
       "the same name resumes; empty: the task and a hash of what changes the mathematics", kOperation},
      {"when_done", one_of(s.when_done, {"auto", "scale_to_zero", "exit", "idle"}), any(), "",
       "what workers do when the run is complete; auto: scale_to_zero on Kubernetes, else exit", kOperation},
      {"deadline_minutes", &s.deadline_minutes, from(0, 1e7), "minutes",
       "since its first start, whatever it did: then the run is stopped with a snapshot, as if done; 0: none",
       kOperation},
      {"seed", &s.seed, any(), "", "of weights, data order and dropout", kMathematics},

      {"dataset.name", &s.dataset.name, form(is_dataset, "libreoffice-help, or nothing when dataset.train names files"),
       "", "", kMathematics},
      {"dataset.source_language", &s.dataset.source_language, language, "", "", kMathematics},
      {"dataset.target_language", &s.dataset.target_language, language, "", "", kMathematics},
      {"dataset.language", &s.dataset.language, language, "", "of the texts, where the task has one language",
       kMathematics},
      {"dataset.text_column", &s.dataset.text_column, any(), "", "of a table or of JSON lines: where the text is",
       kMathematics},
      {"dataset.train", &s.dataset.train, files(), "",
       "path or URL of tab-separated pairs, or of two parallel files; of texts (.txt, .jsonl, .csv)", kMathematics},
      {"dataset.validation", &s.dataset.validation, files(), "", "likewise", kMathematics},
      {"dataset.test", &s.dataset.test, files(), "", "likewise", kMathematics},
      {"dataset.sha256", &s.dataset.sha256, form(is_sha256, "64 hexadecimal digits in lower case, or nothing"), "",
       "of the training file as fetched; empty: not checked", kMathematics},
      {"dataset.validation_fraction", &s.dataset.validation_fraction, below_one(), "",
       "share of train that is held out for validation", kMathematics},
      {"dataset.test_fraction", &s.dataset.test_fraction, below_one(), "", "share of train that is held out for test",
       kMathematics},
      {"dataset.split_seed", &s.dataset.split_seed, any(), "", "of the choice of what is held out", kMathematics},
      {"dataset.maximum_tokens", &s.dataset.maximum_tokens, from(2, 1e6), "tokens a side",
       "pairs with a longer side are dropped and counted", kMathematics},
      {"dataset.max_bad_fraction", &s.dataset.max_bad_fraction, from(0, 1), "",
       "share of unusable lines above which training does not start", kOperation},
      {"dataset.cache_folder", &s.dataset.cache_folder, folder, "", "where fetched files are kept", kOperation},
      {"dataset.fetch_timeout_seconds", &s.dataset.fetch_timeout_seconds, from(1, 86400), "seconds", "for one file",
       kOperation},

      {"vocabulary.size", &s.vocabulary.size, from(16, 1e6), "tokens",
       "with the three special ones; fewer where the text has fewer", kMathematics},
      {"vocabulary.shared", &s.vocabulary.shared, any(), "", "one vocabulary for both languages", kMathematics},
      {"vocabulary.kind", one_of(s.vocabulary.kind, {"unigram", "bpe"}), any(), "", "SentencePiece's algorithm",
       kMathematics},
      {"vocabulary.character_coverage", &s.vocabulary.character_coverage, positive(1), "",
       "share of characters in the vocabulary; 0.9995 for Japanese or Chinese", kMathematics},

      {"model.encoder_layers", &s.model.encoder_layers, from(1, 1000), "layers", "", kMathematics},
      {"model.decoder_layers", &s.model.decoder_layers, from(1, 1000), "layers", "", kMathematics},
      {"model.embedding_size", &s.model.embedding_size, from(2, 65536), "", "even, divisible by heads", kMathematics},
      {"model.feed_forward_size", &s.model.feed_forward_size, from(1, 1e6), "", "width inside the feed-forward blocks",
       kMathematics},
      {"model.heads", &s.model.heads, from(1, 1024), "attention heads", "", kMathematics},
      {"model.dropout", &s.model.dropout, below_one(), "probability", "on embeddings and residuals", kMathematics},
      {"model.attention_dropout", &s.model.attention_dropout, below_one(), "probability", "on attention weights",
       kMathematics},
      {"model.activation_dropout", &s.model.activation_dropout, below_one(), "probability",
       "inside the feed-forward blocks", kMathematics},
      {"model.activation", one_of(s.model.activation, {"relu", "gelu", "silu", "gelu_tanh"}), any(), "",
       "of the feed-forward blocks", kMathematics},
      {"model.maximum_positions", &s.model.maximum_positions, from(2, 1e6), "tokens", "longest sequence", kMathematics},
      {"model.tie_output", &s.model.tie_output, any(), "", "output projection = the decoder's embedding", kMathematics},

      {"model.initial_weights", &s.model.initial_weights, any(), "",
       "folder of a trained model to begin with: a snapshot, or a checkpoint of transformers", kMathematics},

      {"language_model.direction", one_of(s.language_model.direction, {"forward", "backward"}), any(), "",
       "backward: texts are read from their end", kMathematics},

      {"classification.label_column", &s.classification.label_column, any(), "", "where the label is, or the labels",
       kMathematics},
      {"classification.label_list", &s.classification.label_list, Limits{.maximum = 10000}, "",
       "labels that count; without label_column: columns of 0 and 1, one a label", kMathematics},
      {"classification.label_delimiter", &s.classification.label_delimiter, any(), "",
       "between the labels of a text that has several; empty: each has one", kMathematics},
      {"classification.other_label_name", &s.classification.other_label_name, any(), "",
       "label of texts without one of label_list; empty: they are bad lines", kMathematics},
      {"classification.group_column", &s.classification.group_column, any(), "",
       "texts with the same value here are held out together; empty: each alone", kMathematics},
      {"classification.prediction_column", &s.classification.prediction_column, any(), "", "of predictions.csv",
       kOperation},
      {"classification.prediction_threshold", &s.classification.prediction_threshold, from(0, 1), "probability",
       "from which on one of several labels is predicted", kMathematics},
      {"classification.metric_to_monitor",
       one_of(s.classification.metric_to_monitor, {"auto", "loss", "accuracy", "macro_f1", "micro_f1", "weighted_f1"}),
       any(), "", "what makes a snapshot best, and what patience looks at; auto: snapshots.best", kOperation},
      {"classification.validation_size", &s.classification.validation_size, from(0), "",
       "of train, held out for validation: a share below 1, or texts", kMathematics},
      {"classification.test_size", &s.classification.test_size, from(0), "", "likewise, for the test", kMathematics},
      {"classification.random_state", &s.classification.random_state, any(), "", "of the choice of what is held out",
       kMathematics},
      {"classification.class_weights", one_of(s.classification.class_weights, {"none", "balanced"}), any(), "",
       "balanced: rare labels count as much as frequent ones", kMathematics},
      {"classification.dropout_multiplier", &s.classification.dropout_multiplier, from(0, 10), "",
       "times all dropout probabilities of the model", kMathematics},
      {"classification.unfreeze_epochs", &s.classification.unfreeze_epochs, from(0, 1000), "epochs",
       "from initial_weights: one more layer from the top learns after each so many; 0: all from the start",
       kMathematics},

      {"training.epochs", &s.training.epochs, from(0, 1e9), "epochs", "0: no limit", kOperation},
      {"training.max_steps", &s.training.max_steps, from(0), "steps", "0: no limit", kOperation},
      {"training.max_minutes", &s.training.max_minutes, from(0, 1e7), "minutes", "0: no limit", kOperation},
      {"training.batch_by", one_of(s.training.batch_by, {"pairs", "tokens"}), any(), "",
       "what local_batch_size counts: examples (pairs, texts), or target tokens", kMathematics},
      {"training.shards", &s.training.shards, from(0, 65536), "shards of the global batch",
       "a power of two; 0: 8, or the next one >= worker_count", kMathematics},
      {"training.gradient_accumulation", &s.training.gradient_accumulation, from(1, 65536), "batches a step", "",
       kMathematics},
      {"training.label_smoothing", &s.training.label_smoothing, below_one(), "", "share of each target given to all",
       kMathematics},
      {"training.clip_norm", &s.training.clip_norm, from(0), "", "largest norm of the gradient; 0: off", kMathematics},
      {"training.bucket_batches", &s.training.bucket_batches, from(1, 1e6), "batches",
       "drawn together and sorted by length; 1: lengths mixed, which learns faster and, packed, costs nothing",
       kMathematics},
      {"training.average_decay", &s.training.average_decay, below_one(), "",
       "of the weights' moving average, which is validated and stored as the model (0.999); 0: off", kMathematics},
      {"training.freeze", &s.training.freeze, patterns(), "", "parameters that stay as they are: [\"model.shared.*\"]",
       kMathematics},

      {"optimizer.name", one_of(s.optimizer.name, {"adam", "adamw"}), any(), "", "", kMathematics},
      {"optimizer.beta1", &s.optimizer.beta1, below_one(), "", "decay of the gradient's mean", kMathematics},
      {"optimizer.beta2", &s.optimizer.beta2, below_one(), "", "decay of the squared gradient's mean", kMathematics},
      {"optimizer.epsilon", &s.optimizer.epsilon, positive(1), "", "", kMathematics},
      {"optimizer.weight_decay", &s.optimizer.weight_decay, from(0, 1), "", "adamw", kMathematics},
      {"optimizer.no_weight_decay", &s.optimizer.no_weight_decay, patterns(), "",
       "parameters without it; by default it is for matrices only", kMathematics},
      {"optimizer.learning_rates", &s.optimizer.learning_rates,
       Limits{.maximum = 1000,
              .accepts = is_pattern_with_factor,
              .expected = "names of parameters with factors above 0, like model.encoder.*=0.5"},
       "", "factors: [\"model.encoder.*=0.5\"]; the first that fits a parameter counts", kMathematics},
      {"optimizer.layer_decay", &s.optimizer.layer_decay, positive(1), "",
       "each layer below the output learns with so much of the rate of the one above; embeddings with least",
       kMathematics},

      {"schedule.name",
       one_of(s.schedule.name, {"noam", "constant", "linear", "cosine", "inverse_square_root", "warmup_stable_decay"}),
       any(), "", "noam: embedding_size^-0.5 x min(step^-0.5, step x warmup_steps^-1.5)", kMathematics},
      {"schedule.warmup_steps", &s.schedule.warmup_steps, from(0), "steps", "", kMathematics},
      {"schedule.learning_rate", &s.schedule.learning_rate, positive(1e6), "", "noam: a factor; others: the peak",
       kMathematics},
      {"schedule.total_steps", &s.schedule.total_steps, from(0), "steps",
       "linear, cosine, warmup_stable_decay: the minimum is reached here", kMathematics},
      {"schedule.decay_steps", &s.schedule.decay_steps, from(0), "steps",
       "warmup_stable_decay: the last of total_steps, in which the rate falls", kMathematics},
      {"schedule.decay", one_of(s.schedule.decay, {"linear", "cosine", "one_minus_square_root"}), any(), "",
       "of warmup_stable_decay", kMathematics},
      {"schedule.minimum", &s.schedule.minimum, below_one(), "share of the peak",
       "linear, cosine, warmup_stable_decay: where the decay ends", kMathematics},

      {"validation.every_steps", &s.validation.every_steps, from(0), "steps", "0: not by steps", kOperation},
      {"validation.every_epochs", &s.validation.every_epochs, from(0), "epochs", "0: not by epochs", kOperation},
      {"validation.bleu_sentences", &s.validation.bleu_sentences, from(0), "sentences", "translated for BLEU; 0: none",
       kOperation},
      {"validation.maximum_tokens", &s.validation.maximum_tokens, from(1, 1e6), "tokens", "longest translation made",
       kOperation},
      {"validation.patience", &s.validation.patience, from(0, 1e6), "validations",
       "in a row that are no better by snapshots.best end the run; 0: off", kOperation},
      {"validation.minimum_improvement", &s.validation.minimum_improvement, from(0, 1e6), "",
       "by less a validation is no better, for patience", kOperation},

      {"snapshots.folder", &s.snapshots.folder, folder, "", "a folder of the run's name is made in it", kOperation},
      {"snapshots.every_steps", &s.snapshots.every_steps, from(0), "steps", "0: not by steps", kOperation},
      {"snapshots.every_epochs", &s.snapshots.every_epochs, from(0), "epochs", "0: not by epochs", kOperation},
      {"snapshots.keep_last", &s.snapshots.keep_last, from(0, 1e6), "snapshots",
       "the newest; others are removed, in the bucket too where that is allowed; 0: all", kOperation},
      {"snapshots.keep_best", &s.snapshots.keep_best, any(), "", "beside the newest", kOperation},
      {"snapshots.keep_every", &s.snapshots.keep_every, from(0), "steps",
       "beside the newest those of a multiple of so many steps; 0: none", kOperation},
      {"snapshots.resume", &s.snapshots.resume,
       form(is_resume, "latest, best, none or a snapshot's name like step-000500"), "", "", kOperation},
      {"snapshots.best",
       one_of(s.snapshots.best,
              {"validation_loss", "validation_accuracy", "bleu", "macro_f1", "micro_f1", "weighted_f1"}),
       any(), "", "what makes a snapshot best", kOperation},
      {"snapshots.upload", one_of(s.snapshots.upload, {"newest", "all"}), any(), "",
       "newest: when they come faster than the bucket takes them, those between the newest and the best stay here",
       kOperation},
      {"snapshots.parts", one_of(s.snapshots.parts, {"removable", "always", "never"}), any(), "",
       "files of 128 MB and more go to the bucket in parts at once: where they can be removed again, always or never",
       kOperation},
      {"snapshots.streams", &s.snapshots.streams, from(1, 32), "",
       "uploads and reads of the bucket at once; each takes about 32 MiB of memory", kOperation},
      {"snapshots.required", &s.snapshots.required, any(), "",
       "without the bucket the run does not start; else snapshots wait in snapshots.folder until it is there",
       kOperation},

      {"device.name", one_of(s.device.name, {"auto", "cpu"}), any(), "", "", kOperation},
      {"device.threads", &s.device.threads, from(0, 4096), "threads", "0: all cores that this process may use",
       kOperation},
      {"device.precision", one_of(s.device.precision, {"auto", "fp32"}), any(), "", "of matrix products", kMathematics},

      {"workers.discovery", one_of(s.workers.discovery, {"auto", "static", "kubernetes"}), any(), "",
       "how workers find each other; auto: by addresses where there are some, by the Kubernetes API in a pod",
       kOperation},
      {"workers.addresses", &s.workers.addresses, Limits{.maximum = 65536}, "",
       "HOST:PORT of each worker by ordinal, the coordinator's first; empty: a worker alone, or `worker local`",
       kOperation},
      {"workers.ordinal", &s.workers.ordinal, from(-1, 65535), "", "place of this worker in addresses; -1: none",
       kOperation},
      {"workers.port", &s.workers.port, from(1, 65535), "", "of the coordinator, on Kubernetes", kOperation},
      {"workers.secret_file", &s.workers.secret_file, any(), "",
       "what a worker must know to join; readable by its owner only", kOperation},
      {"workers.token_file", &s.workers.token_file, any(), "",
       "the pod's projected ServiceAccount token (audience podium), by which workers join on Kubernetes", kOperation},
      {"workers.tls_folder", &s.workers.tls_folder, any(), "",
       "with ca.crt, tls.crt, tls.key: workers and coordinator prove themselves by certificates; empty: plain text",
       kOperation},
      {"workers.minimum", &s.workers.minimum, from(0, 65536), "workers",
       "enough to train after form_seconds; 0: more than half", kOperation},
      {"workers.form_seconds", &s.workers.form_seconds, from(0, 86400), "seconds", "to wait for all workers",
       kOperation},
      {"workers.lost_seconds", &s.workers.lost_seconds, from(1, 3600), "seconds",
       "a worker that says nothing for so long is lost", kOperation},
      {"workers.grace_seconds", &s.workers.grace_seconds, from(1, 86400), "seconds",
       "from SIGTERM to the end at the latest; less than the pod's terminationGracePeriodSeconds", kOperation},
      {"workers.hang_seconds", &s.workers.hang_seconds, from(1, 86400), "seconds",
       "a trainer without progress for so long is replaced", kOperation},
      {"workers.check_every_steps", &s.workers.check_every_steps, from(0), "steps",
       "all compare hashes of their states; 0: at the start of a generation only", kOperation},
      {"workers.memory_folder", &s.workers.memory_folder, any(), "",
       "of the memory state, in memory (/dev/shm); empty: none, or what `worker local` chooses", kOperation},
      {"workers.standby", &s.workers.standby, any(), "",
       "a second trainer waits, with the data read, to replace the first at once", kOperation},
      {"workers.mpi_first_port", &s.workers.mpi_first_port, from(0, 65535), "", "of MPI's connections; 0: any",
       kOperation},
      {"workers.mpi_ports", &s.workers.mpi_ports, from(1, 65535), "ports", "how many from there on", kOperation},

      {"progress.every_steps", &s.progress.every_steps, from(1), "steps", "", kOperation},
      {"progress.step_log", &s.progress.step_log, any(), "", "file that gets one JSON line a step; empty: none",
       kOperation},
      {"progress.samples", &s.progress.samples, from(0, 1000), "sentences", "held-out ones translated at the end",
       kOperation},

      {"monitoring.port", &s.monitoring.port, from(0, 65535), "",
       "of a worker's /healthz, /readyz and /metrics over HTTP; `worker local` counts on from it; 0: none", kOperation},
      {"monitoring.tensorboard", &s.monitoring.tensorboard, any(), "",
       "curves for TensorBoard in the run's folder of snapshots, every progress.every_steps", kOperation},
      {"monitoring.log_format", one_of(s.monitoring.log_format, {"auto", "text", "json"}), any(), "",
       "json: an object a line; auto: that in a pod whose output is no terminal, else text", kOperation},
  };
}

std::string_view Key::section() const {
  size_t dot = path.find('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

std::string_view Key::name() const { return path.substr(path.find('.') + 1); }

std::string Key::environment_name() const {
  std::string result = "PODIUM_";
  for (char c : path) {
    if (c == '.') {
      result += "__";
    } else {
      result += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
  }
  return result;
}

}  // namespace podium
