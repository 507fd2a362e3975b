#include "worker/monitoring/http_server.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>

#include "worker/base/error.h"
#include "worker/monitoring/http_connection.h"

namespace podium {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

// Too many open files, say: others may be closed meanwhile.
constexpr std::chrono::milliseconds kAcceptAgain{100};

void listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, error_code& error) {
  error_code ignored;
  acceptor.open(endpoint.protocol(), error);
  if (error) return;
  acceptor.set_option(tcp::acceptor::reuse_address(true), ignored);
  if (endpoint.address().is_v6()) acceptor.set_option(boost::asio::ip::v6_only(false), ignored);
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) acceptor.close(ignored);
}

void listen_on_all(tcp::acceptor& acceptor, uint16_t port) {
  tcp::endpoint endpoint(tcp::v6(), port);
  error_code error;
  listen(acceptor, endpoint, error);
  if (error == boost::asio::error::address_family_not_supported || error == boost::asio::error::no_protocol_option ||
      error == boost::system::errc::address_not_available) {
    endpoint = tcp::endpoint(tcp::v4(), port);
    listen(acceptor, endpoint, error);
  }
  if (error)
    throw Error("monitoring.port {}: cannot listen at {}:{}: {}", port, endpoint.address().is_v6() ? "[::]" : "0.0.0.0",
                port, error.message());
}

}  // namespace

struct HttpServer::State : std::enable_shared_from_this<State> {
  using Connections = std::list<std::shared_ptr<HttpConnection>>;  // the last one heard of at the end

  State(boost::asio::io_context& io, HttpPages given, HttpServerLimits given_limits)
      : pages(std::move(given)), limits(given_limits), acceptor(io), again(io) {}

  void accept();
  void accept_again();
  void add(tcp::socket socket);
  void close();

  const HttpPages pages;
  const HttpServerLimits limits;
  tcp::acceptor acceptor;
  boost::asio::steady_timer again;
  Connections connections;
};

void HttpServer::State::accept() {
  acceptor.async_accept([self = shared_from_this()](const error_code& error, tcp::socket socket) {
    if (!self->acceptor.is_open()) return;
    if (error && error != boost::asio::error::connection_aborted) return self->accept_again();
    if (!error) self->add(std::move(socket));
    self->accept();
  });
}

void HttpServer::State::accept_again() {
  again.expires_after(kAcceptAgain);
  again.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error && self->acceptor.is_open()) self->accept();
  });
}

void HttpServer::State::add(tcp::socket socket) {
  if (connections.size() >= limits.connections) {
    connections.front()->close();
    connections.pop_front();
  }
  const auto connection = std::make_shared<HttpConnection>(std::move(socket), pages, limits);
  const auto place = connections.insert(connections.end(), connection);
  connection->begin({
      .request = [this, place] { connections.splice(connections.end(), connections, place); },
      .ended = [this, place] { connections.erase(place); },
  });
}

void HttpServer::State::close() {
  error_code ignored;
  acceptor.close(ignored);
  again.cancel();
  for (const auto& connection : connections) connection->close();
  connections.clear();
}

HttpServer::HttpServer(boost::asio::io_context& io, uint16_t port, HttpPages pages, HttpServerLimits limits)
    : state_(std::make_shared<State>(io, std::move(pages), limits)) {
  listen_on_all(state_->acceptor, port);
  state_->accept();
}

HttpServer::~HttpServer() { state_->close(); }

uint16_t HttpServer::port() const { return state_->acceptor.local_endpoint().port(); }

}  // namespace podium
