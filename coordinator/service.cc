#include "coordinator/service.h"

#include "coordinator/service_state.h"

namespace podium {

CoordinatorService::CoordinatorService(boost::asio::io_context& io, ServiceOptions options,
                                       std::unique_ptr<Authenticator> authenticator)
    : state_(std::make_shared<State>(io, std::move(options), std::move(authenticator))) {
  state_->start();
}

CoordinatorService::~CoordinatorService() { state_->stop(); }

int CoordinatorService::port() const { return state_->port(); }

void CoordinatorService::set_epoch(uint64_t epoch) { state_->membership.set_epoch(epoch); }

proto::Status CoordinatorService::status() const { return state_->status(); }

void CoordinatorService::set_expected_workers(uint32_t workers) { state_->feed(ExpectedChanged{workers}); }

void CoordinatorService::set_pods(SeenPods pods) { state_->feed(PodsChanged{std::move(pods)}); }

void CoordinatorService::expire(const std::string& reason) { state_->feed(DeadlineCame{reason}); }

}  // namespace podium
