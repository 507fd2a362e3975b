// One object on its way into the bucket: in one request, or in a session of several that goes on where the service
// says.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "worker/storage/gcs/gcs_calls.h"
#include "worker/storage/gcs/gcs_object.h"

namespace podium {

// 32 random hexadecimal digits.
std::string random_upload_id(const Timing& timing);
// What an object says of itself from the beginning: its type, the checksum that the service is to find, and whose
// upload it is.
nlohmann::json upload_metadata(const ObjectInfo& info, const std::string& upload_id);
// The object that is there is this upload's, of whose success no reply arrived; nullopt: it is another's.
std::optional<ObjectInfo> if_ours(const GcsObjectInfo& found, const ObjectInfo& sent, const std::string& upload_id);
// What is stored. Throws HttpFailure when it is not what was sent.
ObjectInfo check_stored(const GcsObjectInfo& stored, const ObjectInfo& sent);

class GcsUpload {
 public:
  // All must outlive the object.
  GcsUpload(const GcsCalls& calls, const std::string& name, const ObjectSource& content);

  // Creates the object; nullopt: another has. Throws HttpFailure or what the source throws; then the object is there
  // whole, if the service's reply was lost for good, or not at all.
  std::optional<ObjectInfo> run();

 private:
  // What an answer to a session's request says.
  struct Step {
    enum class Kind { kStored, kFinished, kTaken, kLost } kind;
    uint64_t stored = 0;  // bytes from the beginning that the service has
  };
  std::optional<ObjectInfo> in_one_request();
  std::optional<ObjectInfo> in_sessions();
  std::string begin_session();
  Step::Kind send_all(const std::string& session);
  Step send_chunk(const std::string& session, uint64_t begin);
  Step ask(const std::string& session) const;
  Step step_of(const HttpReply& reply, uint64_t lowest, uint64_t highest) const;
  void cancel(const std::string& session) const;
  std::string metadata() const;
  std::optional<GcsObjectInfo> find();

  const GcsCalls& calls_;
  const std::string& name_;
  const ObjectSource& content_;
  ObjectInfo info_;
  const std::string id_;  // of this upload
  Retry retry_;
};

}  // namespace podium
