#include "coordinator/kubernetes/tls_connection.h"

#include <openssl/x509v3.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "worker/base/error.h"

namespace podium::kubernetes {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kBufferBytes = 128 << 10;  // a header, or what is read at once of a body

asio::ssl::context make_context(const std::string& certificate_authorities) {
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  error_code error;
  context.add_certificate_authority(asio::buffer(certificate_authorities), error);
  if (error) throw Error("ca.crt of the ServiceAccount: no certificate that OpenSSL can read: {}", error.message());
  context.set_verify_mode(asio::ssl::verify_peer);
  return context;
}

}  // namespace

TlsConnection::TlsConnection(asio::io_context& io, const std::string& certificate_authorities)
    : io_(io), context_(make_context(certificate_authorities)), stream_(io, context_), buffer_(kBufferBytes) {}

asio::awaitable<error_code> TlsConnection::open(const std::string& host, const std::string& port,
                                                std::chrono::steady_clock::time_point deadline) {
  Endpoints endpoints;
  error_code error = co_await resolve(host, port, deadline, endpoints);
  if (!error && is_closed_) error = asio::error::operation_aborted;
  if (!error) error = expect_host(host);
  if (error) co_return error;
  expires_at(deadline);
  auto& tcp_stream = boost::beast::get_lowest_layer(stream_);
  co_await tcp_stream.async_connect(endpoints, into(error));
  if (error) co_return error;
  error_code ignored;
  tcp_stream.socket().set_option(tcp::no_delay(true), ignored);
  tcp_stream.socket().set_option(asio::socket_base::keep_alive(true), ignored);
  co_await stream_.async_handshake(asio::ssl::stream_base::client, into(error));
  co_return error;
}

// An address needs no resolver. For a name Asio asks on a thread of its own that cannot be interrupted, so it is left
// alone at the deadline.
asio::awaitable<error_code> TlsConnection::resolve(const std::string& host, const std::string& port,
                                                   std::chrono::steady_clock::time_point deadline,
                                                   Endpoints& endpoints) {
  error_code error;
  const asio::ip::address address = asio::ip::make_address(host, error);
  if (!error) {
    endpoints.emplace_back(address, static_cast<uint16_t>(std::stoi(port)));
    co_return error;
  }
  struct Answer {
    error_code error = boost::beast::error::timeout;
    Endpoints endpoints;
  };
  auto answer = std::make_shared<Answer>();
  auto resolver = std::make_shared<tcp::resolver>(io_);
  auto timer = std::make_shared<asio::steady_timer>(io_, deadline);
  resolving_ = timer;
  resolver->async_resolve(host, port, [answer, resolver, timer](const error_code& failed, const auto& results) {
    answer->error = failed;
    for (const auto& entry : results) answer->endpoints.push_back(entry.endpoint());
    timer->cancel();
  });
  error_code ignored;
  co_await timer->async_wait(into(ignored));
  resolving_.reset();
  endpoints = std::move(answer->endpoints);
  co_return answer->error;
}

error_code TlsConnection::expect_host(const std::string& host) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(stream_.native_handle());
  error_code no_address;
  asio::ip::make_address(host, no_address);
  const bool done = no_address ? X509_VERIFY_PARAM_set1_host(expected, host.c_str(), host.size()) == 1 &&
                                     SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str()) == 1
                               : X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1;
  return done ? error_code() : make_error_code(asio::error::invalid_argument);
}

void TlsConnection::close() {
  is_closed_ = true;
  if (resolving_) resolving_->cancel();
  boost::beast::get_lowest_layer(stream_).close();
}

long TlsConnection::verification() { return SSL_get_verify_result(stream_.native_handle()); }

void TlsConnection::expires_at(std::chrono::steady_clock::time_point deadline) {
  boost::beast::get_lowest_layer(stream_).expires_at(deadline);
}

}  // namespace podium::kubernetes
