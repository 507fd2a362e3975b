// Requests to Cloud Storage: with the token, and with what an error means for the person who reads it.
#pragma once

#include <initializer_list>
#include <memory>
#include <semaphore>

#include "worker/storage/credentials/credentials.h"
#include "worker/storage/gcs/gcs_place.h"
#include "worker/storage/object_store.h"

namespace podium {

struct GcsOptions {
  std::string endpoint = "https://storage.googleapis.com";
  std::string key_file;                  // of the settings; "": none
  bool is_anonymous = false;             // an emulator asks for no credentials
  uint64_t one_request_bytes = 8 << 20;  // an object up to this size goes in one request
  uint64_t chunk_bytes = 16 << 20;       // a larger one in requests of so many; a multiple of 256 KiB
  int streams = 4;                       // uploads and reads of parts at once, of all objects together
  // An object of twice that size is uploaded in parts of it or more, which are composed: where the account may remove
  // the parts again, or always, or never.
  enum class Parts : uint8_t { kRemovable, kAlways, kNever } parts = Parts::kRemovable;
  uint64_t part_bytes = 64 << 20;
  uint64_t piece_bytes = 8 << 20;  // a larger read in pieces of so many, 2 * streams of which are in memory
  RetryRules retry;
  HttpLimits http;
  Timing timing = real_timing();
};

// What was tried, as an error says it: "create" on `name` needs `permission`.
struct GcsAction {
  const char* verb;        // "created", "read"
  const char* permission;  // "storage.objects.create"
  const char* role;        // the smallest of Google's roles that has it
};

class GcsCalls {
 public:
  // Options and credentials (nullptr: none) must outlive the object.
  GcsCalls(HttpClient& client, Credentials* credentials, GcsPlace place, const GcsOptions& options);

  const GcsPlace& place() const { return place_; }
  const GcsOptions& options() const { return options_; }
  Retry retry() const { return {client_, options_.timing, options_.retry}; }

  // Held while an object's bytes move: there are GcsOptions::streams of them.
  class Stream {
   public:
    explicit Stream(std::counting_semaphore<>& free) : free_(free) { free_.acquire(); }
    ~Stream() { free_.release(); }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

   private:
    std::counting_semaphore<>& free_;
  };
  Stream stream() const { return Stream(streams_); }

  // One request, whose answer has one of these statuses. Throws HttpFailure; once a 401 is answered by a new token.
  HttpReply attempt(HttpRequest request, std::initializer_list<int> expected) const;

  // The URL of the object's description; of all objects when `name` is empty.
  std::string object_url(const std::string& name) const;
  std::string media_url(const std::string& name) const;
  // With "uploadType=…&name=…&ifGenerationMatch=0": an object is never replaced.
  std::string upload_url(const std::string& type, const std::string& name) const;

  // POST: makes the object of others.
  std::string compose_url(const std::string& name) const;
  // Of the bucket: which of these permissions this account has.
  std::string permissions_url(const std::string& permission) const;

  // What `call` returns; an HttpFailure becomes an Error (Refused where the account lacks a right) that says what could
  // not be done, whose account it was, which permission is missing and the command that grants it.
  template <typename Call>
  auto explained(const GcsAction& action, const std::string& name, Call&& call) const {
    try {
      return call();
    } catch (const HttpFailure& failure) {
      if (failure.status == 403) throw Refused(explanation(action, name, failure));
      throw Error(explanation(action, name, failure));
    }
  }

 private:
  std::string explanation(const GcsAction& action, const std::string& name, const HttpFailure& failure) const;

  HttpClient& client_;
  Credentials* const credentials_;
  const GcsPlace place_;
  const GcsOptions& options_;
  mutable std::counting_semaphore<> streams_;
};

}  // namespace podium
