// Coroutines of Asio: what Asio 1.74 itself forgets to include, and failures as values.
#pragma once

// clang-format off
#include <utility>
#include <boost/asio/awaitable.hpp>
// clang-format on
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace podium::kubernetes {

// co_await stream.async_read(..., into(error)): the result, with the failure as a value instead of an exception.
inline auto into(boost::system::error_code& error) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, error);
}

}  // namespace podium::kubernetes
