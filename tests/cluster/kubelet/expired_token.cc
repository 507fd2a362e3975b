#include "tests/cluster/kubelet/expired_token.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>

#include "worker/base/error.h"

namespace podium::cluster {
namespace {

constexpr int64_t kHour = 3600;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (char& c : text)
    if (const size_t at = from.find(c); at != std::string::npos) c = to[at];
  return text;
}

std::string encoded(const std::string& bytes) {
  std::string text(4 * (bytes.size() / 3 + 1) + 1, '\0');
  const auto* const from = reinterpret_cast<const unsigned char*>(bytes.data());
  text.resize(static_cast<size_t>(
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), from, static_cast<int>(bytes.size()))));
  while (text.ends_with('=')) text.pop_back();
  return replaced(text, "+/", "-_");
}

std::string decoded(std::string text) {
  text = replaced(text, "-_", "+/");
  const size_t padding = (4 - text.size() % 4) % 4;
  text.append(padding, '=');
  std::string bytes(text.size(), '\0');
  const auto* const from = reinterpret_cast<const unsigned char*>(text.data());
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), from, static_cast<int>(text.size()));
  PODIUM_CHECK(size >= 0);
  bytes.resize(static_cast<size_t>(size) - padding);
  return bytes;
}

std::string signature(const std::string& text, const fs::path& signing_key) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(::fopen(signing_key.c_str(), "re"), ::fclose);
  PODIUM_CHECK(file);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  PODIUM_CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
  PODIUM_CHECK(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
  std::string result(size, '\0');
  PODIUM_CHECK(
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(result.data()), &size, bytes, text.size()) == 1);
  result.resize(size);
  return result;
}

}  // namespace

std::string expired(const std::string& token, const fs::path& signing_key) {
  const size_t first = token.find('.'), last = token.rfind('.');
  nlohmann::json claims = nlohmann::json::parse(decoded(token.substr(first + 1, last - first - 1)));
  const int64_t now = std::time(nullptr);
  claims["iat"] = claims["nbf"] = now - 2 * kHour;
  claims["exp"] = now - kHour;
  const std::string text = token.substr(0, first + 1) + encoded(claims.dump());
  return text + "." + encoded(signature(text, signing_key));
}

}  // namespace podium::cluster
