// What gRPC itself has to say.
#pragma once

namespace podium {

// gRPC's own lines (errors, and more with GRPC_VERBOSITY) go where ours go, instead of as text of another form to
// standard error. Before the first use of gRPC.
void take_over_grpc_log();

}  // namespace podium
