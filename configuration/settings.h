// What a run is told to do: plain structs, and the one loader that fills them and refuses what it does not know.
// Each key's unit, range, meaning and whether it changes the mathematics: the table in keys.cc.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/base/log.h"

namespace podium {

// The member names are the keys: settings.training.epochs is training.epochs. The values here are the built-in
// defaults.
struct Settings {
  enum class Task : uint8_t { kTranslation, kLanguageModel, kClassification };

  int64_t worker_count = 1;
  int64_t local_batch_size = 64;
  std::string cloud_storage_bucket_name;
  std::string cloud_storage_upload_folder;
  std::string cloud_storage_key_file;
  std::string preset = "quickstart";
  Task task = Task::kTranslation;
  std::string run_name;  // as given; run_name() below derives one when empty
  uint64_t seed = 1;

  // When train names files, name is empty.
  struct Dataset {
    std::string name = "libreoffice-help";
    std::string source_language = "pt";
    std::string target_language = "en";
    std::string language = "en";
    std::string text_column = "text";
    std::vector<std::string> train, validation, test;  // none, one TSV file, or two parallel files; paths or URLs
    std::string sha256;
    double validation_fraction = 0;
    double test_fraction = 0;
    uint64_t split_seed = 1;
    int64_t maximum_tokens = 128;
    double max_bad_fraction = 0.01;
    std::string cache_folder = "data";
    int64_t fetch_timeout_seconds = 600;
  } dataset;

  struct Vocabulary {
    enum class Kind : uint8_t { kUnigram, kBpe };
    int64_t size = 8000;
    bool shared = false;
    Kind kind = Kind::kUnigram;
    double character_coverage = 1;
  } vocabulary;

  struct Model {
    enum class Activation : uint8_t { kRelu, kGelu, kSilu, kGeluTanh };
    int64_t encoder_layers = 4;
    int64_t decoder_layers = 4;
    int64_t embedding_size = 128;
    int64_t feed_forward_size = 512;
    int64_t heads = 8;
    double dropout = 0.1;
    double attention_dropout = 0.1;
    double activation_dropout = 0;
    Activation activation = Activation::kRelu;
    int64_t maximum_positions = 1000;
    bool tie_output = false;
    std::string initial_weights;
  } model;

  struct LanguageModel {
    enum class Direction : uint8_t { kForward, kBackward };
    Direction direction = Direction::kForward;
  } language_model;

  // The names are those that users of such trainers, and of scikit-learn, know.
  struct Classification {
    enum class ClassWeights : uint8_t { kNone, kBalanced };
    std::string label_column = "label";
    std::vector<std::string> label_list;
    std::string label_delimiter;
    std::string other_label_name;
    std::string group_column;
    std::string prediction_column = "prediction";
    double prediction_threshold = 0.5;
    enum class MetricToMonitor : uint8_t { kAuto, kLoss, kAccuracy, kMacroF1, kMicroF1, kWeightedF1 };
    MetricToMonitor metric_to_monitor = MetricToMonitor::kAuto;
    double validation_size = 0.1;
    double test_size = 0.1;
    uint64_t random_state = 1;
    ClassWeights class_weights = ClassWeights::kNone;
    double dropout_multiplier = 1;
    int64_t unfreeze_epochs = 0;
  } classification;

  struct Training {
    enum class BatchBy : uint8_t { kPairs, kTokens };
    int64_t epochs = 20;
    int64_t max_steps = 0;
    double max_minutes = 0;
    BatchBy batch_by = BatchBy::kPairs;
    int64_t shards = 0;
    int64_t gradient_accumulation = 1;
    double label_smoothing = 0;
    double clip_norm = 0;
    int64_t bucket_batches = 1;
    double average_decay = 0;
    std::vector<std::string> freeze;
  } training;

  struct Optimizer {
    enum class Name : uint8_t { kAdam, kAdamW };
    Name name = Name::kAdam;
    double beta1 = 0.9;
    double beta2 = 0.98;
    double epsilon = 1e-9;
    double weight_decay = 0;
    std::vector<std::string> no_weight_decay = {"*.bias", "*layer_norm*"};
    std::vector<std::string> learning_rates;
    double layer_decay = 1;
  } optimizer;

  struct Schedule {
    enum class Name : uint8_t { kNoam, kConstant, kLinear, kCosine, kInverseSquareRoot, kWarmupStableDecay };
    enum class Decay : uint8_t { kLinear, kCosine, kOneMinusSquareRoot };
    Name name = Name::kNoam;
    int64_t warmup_steps = 4000;
    double learning_rate = 1;
    int64_t total_steps = 0;
    int64_t decay_steps = 0;
    Decay decay = Decay::kLinear;
    double minimum = 0;
  } schedule;

  struct Validation {
    int64_t every_steps = 0;
    int64_t every_epochs = 1;
    int64_t bleu_sentences = 500;
    int64_t maximum_tokens = 128;
    int64_t patience = 0;
    double minimum_improvement = 0;
  } validation;

  struct Snapshots {
    enum class Best : uint8_t { kValidationLoss, kValidationAccuracy, kBleu, kMacroF1, kMicroF1, kWeightedF1 };
    std::string folder = "snapshots";
    int64_t every_steps = 0;
    int64_t every_epochs = 5;
    int64_t keep_last = 5;
    bool keep_best = true;
    int64_t keep_every = 0;
    std::string resume = "latest";  // "latest", "best", "none" or the name of a snapshot
    enum class Upload : uint8_t { kNewest, kAll } upload = Upload::kNewest;
    enum class Parts : uint8_t { kRemovable, kAlways, kNever } parts = Parts::kRemovable;
    int64_t streams = 4;
    bool required = false;
    Best best = Best::kValidationLoss;
  } snapshots;

  struct Device {
    enum class Name : uint8_t { kAuto, kCpu };
    enum class Precision : uint8_t { kAuto, kFp32 };
    Name name = Name::kAuto;
    int64_t threads = 0;
    Precision precision = Precision::kAuto;
  } device;

  // How workers find each other and when they go on without one.
  struct Workers {
    enum class Discovery : uint8_t { kAuto, kStatic, kKubernetes };
    Discovery discovery = Discovery::kAuto;
    std::vector<std::string> addresses;
    int64_t ordinal = -1;
    int64_t port = 7421;
    std::string secret_file;
    std::string token_file = "/var/run/secrets/podium/token";
    std::string tls_folder;
    int64_t minimum = 0;
    double form_seconds = 10;
    double lost_seconds = 4;
    double grace_seconds = 25;
    double hang_seconds = 30;
    int64_t check_every_steps = 100;
    std::string memory_folder;
    bool standby = true;
    int64_t mpi_first_port = 0;
    int64_t mpi_ports = 1000;
  } workers;

  enum class WhenDone : uint8_t { kAuto, kScaleToZero, kExit, kIdle };
  WhenDone when_done = WhenDone::kAuto;
  double deadline_minutes = 0;

  struct Progress {
    int64_t every_steps = 50;
    std::string step_log;
    int64_t samples = 3;
  } progress;

  struct Monitoring {
    int64_t port = 0;
    bool tensorboard = true;
    LogFormat log_format = LogFormat::kAuto;
  } monitoring;
};

// What the command line asks for beside settings. With help or version nothing else was read.
struct ProgramActions {
  bool help = false;
  bool version = false;
  bool dump_config = false;
  bool new_run = false;
};

struct LoadedSettings {
  Settings settings;
  ProgramActions actions;
  // Where each key's value came from: "default", "preset tutorial:12", "configuration/settings.yaml:14", "environment
  // variable PODIUM_SEED", "command line --seed".
  std::map<std::string, std::string, std::less<>> sources;
};

// Defaults < preset < settings file < Google's training services < environment < command line; the preset's name is
// taken from the highest of them. `arguments` are those behind the program's name. `default_file` is read when there is
// no --settings, and may be absent. Throws Error with the source, the key, what was found and what was expected.
LoadedSettings load_settings(const std::vector<std::string>& arguments,
                             const std::map<std::string, std::string>& environment,
                             const std::filesystem::path& default_file = "configuration/settings.yaml");

// The process's environment (main's third argument or ::environ) as load_settings takes it.
std::map<std::string, std::string> environment_variables(const char* const* environment);

// Every option of the command line with its meaning, range and default.
std::string settings_help(std::string_view program);

// All settings as YAML with comments; loads again to the same Settings.
std::string dump_config(const Settings& settings);

// 8 hexadecimal digits that change with every key that changes the mathematics of a run, and with no other key.
std::string mathematics_hash(const Settings& settings);

// settings.run_name, or the task and mathematics_hash: "translation-0a1b2c3d".
std::string run_name(const Settings& settings);
// The same; with --new-run the first of NAME, NAME-2, NAME-3, … that has no folder of snapshots yet.
std::string run_name(const LoadedSettings& loaded);

// The names that `preset` may have.
std::vector<std::string> preset_names();

}  // namespace podium
