// A ServiceAccount's token as a pod is given it by the TokenRequest API: a JSON Web Token (RFC 7519) in the compact
// form of RFC 7515. Its parts and what they say; whether the signature is right, a KeySet knows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace podium::kubernetes {

// What is signed, and how it says to be signed. Nothing of it is proved.
struct SignedToken {
  std::string algorithm;  // "RS256"
  std::string key_id;
  std::string signed_text;  // header and payload as they came
  std::string payload, signature;
};

// At most 16 KiB. Throws Error that says what is wrong, without the token.
SignedToken split_token(std::string_view text);

// What a payload says. Texts are "" and numbers nullopt where it says nothing.
struct TokenClaims {
  std::vector<std::string> audiences;
  std::optional<int64_t> not_before, expires;  // seconds since 1970
  std::string name_space, pod_name, pod_uid;   // the pod to whose life the token is bound
};

// Throws Error naming the claim that is of another type than tokens have.
TokenClaims parse_claims(const std::string& payload);

// Why these claims are for somebody else than `audience`, or for another time; clocks may differ by 60 s. nullopt: they
// are not.
std::optional<std::string> refuse_claims(const TokenClaims& claims, const std::string& audience, int64_t unix_seconds);

}  // namespace podium::kubernetes
