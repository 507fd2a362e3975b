// Requests and what a control plane answered, as text: of two servers, or of one and a file, to be compared. Holds what
// Podium and the process kubelet read, and leaves out what differs from run to run.
#pragma once

#include "tests/cluster/api_client.h"

namespace podium::cluster {

class Transcript {
 public:
  // A client asks by its name in the text. `folder` as ApiClient's.
  void add_client(const std::string& who, const fs::path& folder);

  // "GET PATH", "POST PATH", "PUT PATH", "DELETE PATH", "MERGE PATH" and "STRATEGIC PATH" (patches).
  ApiAnswer ask(const std::string& who, const std::string& request, const nlohmann::json& body = nullptr);
  // GET with a header of its own.
  ApiAnswer get_as(const std::string& who, const std::string& path, const std::string& accept);
  // Any bytes as a body of any type.
  ApiAnswer send(const std::string& who, const std::string& method, const std::string& path, const std::string& type,
                 const nlohmann::json& body);
  // Reads a watch to its end, which its timeoutSeconds should bring soon; events of objects that are there already are
  // sorted by name.
  std::vector<nlohmann::json> watch(const std::string& who, const std::string& path);
  // Gets it until there is `text` in the answer, and adds that: what a Role allows is so a little later.
  ApiAnswer ask_until(const std::string& who, const std::string& path, const std::string& text);
  // Asks until `path` has `count` items, and adds them.
  ApiAnswer wait_for(const std::string& who, const std::string& path, size_t count);

  // What a ServiceAccount's token says; times as distances from its iat.
  void add_claims(const std::string& what, const std::string& token);

  const std::string& text() const { return text_; }

 private:
  ApiClient& client(const std::string& who) { return *clients_.at(who); }
  void add(const std::string& line) { text_ += line + "\n"; }
  void add_answer(const std::string& request, const nlohmann::json& body, const ApiAnswer& answer);

  std::map<std::string, std::unique_ptr<ApiClient>> clients_;
  std::string text_;
};

}  // namespace podium::cluster
