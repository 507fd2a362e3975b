// What a test server may do instead of answering as it should.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "tests/storage/gcs_exchange.h"

namespace podium {

struct GcsFault {
  enum class Kind : uint8_t {
    kStatus,          // an error at once; nothing is done
    kStatusAfter,     // it is done, and an error answered
    kResetBefore,     // the connection is reset before the body is read
    kResetWithin,     // within the body; what had come is kept
    kResetAfter,      // behind the body; nothing is done
    kLostReply,       // it is done, and the connection reset
    kShortReply,      // it is done; the answer's body ends early
    kTruncatedJson,   // it is done; half of the answer's body, as if whole
    kHtml,            // nothing is done; a page of HTML with status 200
    kNoHttp,          // bytes that are no HTTP
    kCorruptBytes,    // a byte of the answer's body is another
    kStall,           // no answer, ever
    kSlow,            // request and answer trickle
    kExpiredSession,  // all sessions are gone
    kExpiredToken,    // all tokens are
    kStoredLess,      // of a part of an upload only the first half is kept
  };
  static constexpr int kKinds = static_cast<int>(Kind::kStoredLess) + 1;
  Kind kind;
  int status = 503;
  int retry_after = -1;  // seconds; -1: not said
};

const char* name_of(GcsFault::Kind kind);

// Asked about each request when its header has been read.
using GcsFaults = std::function<std::optional<GcsFault>(const GcsRequest&)>;

// Faults by chance: a request out of `one_in` meets one, of all kinds, the same for the same seed and order of
// requests. None any more behind the first `most`.
GcsFaults random_faults(uint64_t seed, uint64_t one_in, int most);

}  // namespace podium
