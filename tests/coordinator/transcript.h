// Membership as a dialogue in text. Lines that begin with '>' are what happens, `> SECONDS COMMAND ...`; the lines
// under one are what the membership answers to it.
//
//   connect W [uid=U] [run=R] [image=I] [settings=S] [newest=EPOCH.COUNTER]
//                                                        W: "1", its second connection "1'", then "1''"
//   ready W [data=D] [set=S] [step=N]
//   beat W PHASE [step=N] [generation=N]                 it says so from now on, with growing ticks
//   freeze W | mute W                                    the ticks grow no more | no heartbeats any more
//   ended W OUTCOME [generation=N] [step=N] [: REASON]
//   leave W | disconnect W : REASON | expect N | tick | status
//   pod N [uid=U] : TEXT                                 what the cluster says of ordinal N's pod from now on
//   deadline : REASON
//   train N [step=S]                                     workers 0 to N-1 connect and train; the answers are left out
//   wait                                                 until SECONDS: every half second all send heartbeats, then a
//   tick;
//                                                        the answers carry the time
#pragma once

#include <map>
#include <string>

#include "coordinator/membership.h"

namespace podium {

class Transcript {
 public:
  explicit Transcript(MembershipOptions options);
  // Executes the lines with '>' and gives back the whole dialogue as it really went.
  std::string play(const std::string& dialogue);

 private:
  struct Peer {
    uint64_t connection = 0;
    HeartbeatCame beat;
    bool frozen = false, mute = false;
  };
  struct Command;
  std::string execute(const Command& command);
  std::string connect(const Command& command);
  std::string wait();
  std::string train(const Command& command);
  std::string status() const;
  std::string handle(const MembershipEvent& event);
  std::string label_of(uint64_t connection) const;
  std::string labels_of(const std::vector<uint64_t>& connections) const;
  std::string text_of(const MembershipAction& action) const;

  Membership membership_;
  std::map<std::string, Peer> peers_;
  SeenPods pods_;
  uint64_t next_connection_ = 1;
  Seconds now_ = 0, until_ = 0;
};

// The settings of the tests: all that differ from the defaults stand in the test.
MembershipOptions expecting(uint32_t workers);
template <typename Change>
MembershipOptions with(const Change& change, MembershipOptions options) {
  change(options);
  return options;
}
// Fails where the dialogue goes otherwise.
void expect_dialogue(const MembershipOptions& options, const std::string& dialogue);

}  // namespace podium
