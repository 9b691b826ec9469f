// SimClient: one device in the dialog, behaving as docs/chat.md tells a client to.
//
// It speaks the JSON protocol over a SimConnection, comes back to any lane after it lost one, recovers or
// pulls, numbers its messages and repeats each under its number until it is answered, and shows an entry when
// the entry its `uprev` names is shown. What it has on its own disk (numbers, entries) outlives connections
// and the server's crashes. It is polled: tick() reads, then does what is due.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/integration/simulation/history.h"
#include "tests/integration/simulation/sim_node.h"

namespace lcg::sim {

// The world as a client sees it.
struct Surroundings {
  SimRandom& random;
  History& history;
  SimNode* node = nullptr;  // null: the server is down
  int64_t now_ms = 0;
  bool quiet = false;  // no more mischief

  uint64_t below(uint64_t bound) { return random.next() % bound; }
  bool chance(unsigned percent) { return !quiet && below(100) < percent; }
};

struct ClientPlan {
  std::string user, device, dialog;
  std::vector<std::string> create_with;  // makes the dialog with these members first; empty: waits for it
  uint32_t messages = 0;
  bool numbered = true;  // false: publishes as a stock SDK does
  uint32_t window = 1;
};

class SimClient {
 public:
  SimClient(ClientPlan plan, Surroundings& around) : plan_(std::move(plan)), around_(around) {}

  void tick();
  // Leaves the connection as a phone in a tunnel does.
  void lose_connection();
  // Takes nothing for a while.
  void stall(int64_t until_ms);

  bool dialog_exists() const { return created_; }
  void dialog_is_there() { created_ = true; }
  bool sent_all() const {
    return created_ && next_ > plan_.messages && unanswered_.empty() && publish_id_ == 0;
  }
  bool up_to_date() const { return subscribed_ && cursor_ == head_; }
  Device device() const;
  std::string describe() const;  // for a run that does not end

 private:
  struct Unanswered {
    std::string body;
    int64_t repeat_at_ms = 0;
  };
  enum class Kind : uint8_t { kConnect, kSubscribe, kCreate, kSend, kPublish, kPull };
  struct Command {
    Kind kind;
    uint64_t cseq = 0;
  };

  void connect();
  void lost(int64_t wait_ms);
  void subscribe(std::string& frame);
  uint32_t command(Kind kind, std::string& frame, std::string_view name, std::string body, uint64_t cseq = 0);
  void rpc(Kind kind, std::string_view method, std::string data, uint64_t cseq = 0);
  void begin_message();
  void send(uint64_t cseq, Unanswered& message);
  void repeat_due();
  void pull_if_behind();

  void on_line(const std::string& line);
  void on_push(std::string_view push);
  void on_reply(uint32_t id, std::string_view line);
  void on_error(Command command, std::string_view error);
  void on_connected(std::string_view data);
  void on_subscribed(std::string_view subscribe);
  void on_acknowledged(uint64_t cseq, std::string_view data);
  void take(std::string_view json);
  void show();
  void complain(std::string what);

  const ClientPlan plan_;
  Surroundings& around_;

  // On the device's own disk.
  uint64_t epoch_ = 0;
  uint32_t next_ = 1;  // number of the next message
  bool created_ = false;
  std::map<uint64_t, Unanswered> unanswered_;
  std::map<uint64_t, Entry> entries_;
  std::vector<uint64_t> shown_;
  std::set<uint64_t> is_shown_;
  uint64_t cursor_ = 0;  // everything up to here is known
  uint64_t head_ = 0;    // of the dialog, as far as the device has heard
  std::string stream_epoch_;

  // Of the connection.
  std::shared_ptr<SimConnection> connection_;
  std::map<uint32_t, Command> commands_;
  uint32_t last_id_ = 0;
  bool connected_ = false, subscribed_ = false;
  bool subscribing_ = false, pulling_ = false, creating_ = false;
  uint32_t publish_id_ = 0;  // of the publish that waits for its answer
  size_t publish_at_ = 0;    // in the history
  int64_t connect_at_ms_ = 0, message_at_ms_ = 0, retry_at_ms_ = 0, stalled_until_ms_ = 0;
};

}  // namespace lcg::sim
