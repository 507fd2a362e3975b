// What a classifier's run begins with: the vocabulary, the model's sizes, and weights that were trained before.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "configuration/settings.h"
#include "worker/base/file.h"
#include "worker/classify/classifier_config.h"
#include "worker/console/training_display.h"
#include "worker/data/labelled_texts.h"
#include "worker/data/text_tokenizer.h"
#include "worker/train/task.h"

namespace podium {

// What the settings describe, with dropout_multiplier.
BertConfig bert_config_of(const Settings& settings);

struct ClassifierStart {
  ClassifierConfig config;  // with the labels of `texts`, their weights, and the settings' dropout
  std::shared_ptr<const TextTokenizer> tokenizer;
  SmallFiles tokenizer_files;  // of every snapshot
  std::string vocabulary;      // "SentencePiece vocabulary of 8000"
};

// Sizes and vocabulary come from `snapshot_folder`, where there is one, else from model.initial_weights, else from the
// settings and the training texts, on which a SentencePiece vocabulary is trained. Throws Error when files do not fit
// each other, the labels or the settings.
ClassifierStart start_classifier(const Settings& settings, const std::optional<fs::path>& snapshot_folder,
                                 const LabelledTexts& texts, TrainingDisplay& display);

// Puts model.initial_weights over `weights`, which have been drawn at random; empty: only looks whether that can be
// done. A classifier that told other labels apart begins fresh. Returns what a person should know: parameters that
// begin fresh, tensors that have no place here. Throws Error when the checkpoint lacks a part of the body.
std::vector<std::string> read_initial_weights(const Settings& settings, const ClassifierConfig& config,
                                              const ParameterSet& parameters, std::span<float> weights);

}  // namespace podium
