// The flat parameter buffer as the tensors of a file, and back.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "worker/model/model.h"
#include "worker/snapshot/safetensors.h"

namespace podium {

// model.safetensors: Model::tensors(). `weights` is the flat buffer; it and the model must outlive the source. Zeros
// that are not trained are kept inside `zeros`, which must outlive the source too.
std::unique_ptr<ObjectSource> model_weights_source(const Model& model, std::span<const float> weights,
                                                   std::vector<float>& zeros);

// What the optimizer has beside the model, under their parameters' names with a prefix. `weights` are those that it
// updates where model.safetensors holds their average; else empty.
std::unique_ptr<ObjectSource> optimizer_source(const ParameterSet& parameters, std::span<const float> first_moment,
                                               std::span<const float> second_moment,
                                               std::span<const float> weights = {});

// Fill the flat buffers from a file. Throw Error naming the file and the tensor that is missing or has another type or
// shape, or holds a number that is not finite.
void read_model_weights(const SafetensorsFile& file, const ParameterSet& parameters, std::span<float> weights);
void read_optimizer(const SafetensorsFile& file, const ParameterSet& parameters, std::span<float> first_moment,
                    std::span<float> second_moment, std::span<float> weights = {});

}  // namespace podium
