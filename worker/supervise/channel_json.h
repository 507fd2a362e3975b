// The worker's side of the channel's packets: proto/trainer.proto as protobuf's JSON.
#pragma once

#include <string>
#include <string_view>

#include "proto/trainer.pb.h"

namespace podium {

std::string to_json(const proto::WorkerCommand& command);
// False: it is no message.
bool from_json(std::string_view text, proto::TrainerMessage& message);

}  // namespace podium
