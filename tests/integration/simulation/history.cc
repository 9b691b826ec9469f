#include "tests/integration/simulation/history.h"

#include <map>
#include <set>
#include <tuple>

namespace lcg::sim {
namespace {

using Key = std::tuple<std::string, std::string, uint64_t, uint64_t>;  // user, device, epoch, cseq

std::string number(uint64_t n) { return std::to_string(n); }

class Checker {
 public:
  explicit Checker(const History& history) : history_(history) {
    if (!history.devices.empty()) log_ = &history.devices.front().entries;
  }

  std::vector<std::string> run() {
    bad_ = history_.protocol;
    if (log_ == nullptr) return bad_;
    check_log();
    for (const Device& device : history_.devices) {
      check_same(device);
      check_shown(device);
    }
    check_acks();
    check_sent();
    check_records();
    return std::move(bad_);
  }

 private:
  void report(std::string what) { bad_.push_back(std::move(what)); }

  // I1, I4, I5 over the log itself.
  void check_log() {
    uint64_t seq = 0, ts = 0;
    std::map<std::string, Entry> last_of_user;
    std::map<std::pair<std::string, std::string>, Entry> last_of_device;
    for (const Entry& e : *log_) {
      const std::string at = "entry " + number(e.seq) + ": ";
      if (e.seq != ++seq) return report(at + "positions are not dense");
      if (e.ts < ts) report(at + "time went back");
      ts = e.ts;
      if (e.id.empty()) continue;
      if (!by_id_.emplace(e.id, &e).second) report(at + "I5: the message is there twice");
      if (!by_key_.emplace(Key{e.user, e.device, e.epoch, e.cseq}, &e).second)
        report(at + "I5: its key is there twice");
      ++bodies_[e.body];
      Entry& user_before = last_of_user[e.user];
      Entry& device_before = last_of_device[{e.user, e.device}];
      if (e.useq != user_before.useq + 1) report(at + "I4: useq is not dense");
      if (e.uprev != user_before.seq) report(at + "I4: uprev names another entry");
      if (e.cprev != device_before.seq) report(at + "I1: cprev names another entry");
      if (e.epoch < device_before.epoch) report(at + "I1: the device's epoch went back");
      const uint64_t cseq_before = e.epoch == device_before.epoch ? device_before.cseq : 0;
      if (e.cseq != cseq_before + 1)
        report(at + "I1: cseq " + number(e.cseq) + " follows " + number(cseq_before));
      user_before = device_before = e;
    }
  }

  // I7, and that all devices end with the same list.
  void check_same(const Device& device) {
    for (size_t i = 0; i < std::max(device.entries.size(), log_->size()); ++i) {
      if (i >= device.entries.size())
        return report(device.name + ": I7: never got entry " + number((*log_)[i].seq));
      if (i >= log_->size())
        return report(history_.devices.front().name + ": I7: never got entry " +
                      number(device.entries[i].seq));
      if (device.entries[i] == (*log_)[i]) continue;
      return report(device.name + ": I7: entry " + number((*log_)[i].seq) + " is another one, or missing");
    }
  }

  // I1 and I4 as a person at the screen sees them: of one sender, nothing comes up after what follows it.
  void check_shown(const Device& device) {
    std::map<uint64_t, const Entry*> known;
    for (const Entry& e : device.entries) known.emplace(e.seq, &e);
    std::map<std::string, uint64_t> last_useq;
    for (const uint64_t seq : device.shown) {
      const auto e = known.find(seq);
      if (e == known.end()) {
        report(device.name + ": showed entry " + number(seq) + " twice, or one it does not have");
        continue;
      }
      if (!e->second->id.empty() && e->second->useq != ++last_useq[e->second->user]) {
        report(device.name + ": I1/I4: showed " + e->second->user + "'s message " + number(e->second->useq) +
               " out of order");
      }
      known.erase(e);
    }
    if (!known.empty()) report(device.name + ": I7: never showed entry " + number(known.begin()->first));
  }

  // I3, and that every copy of a message got the same answer.
  void check_acks() {
    for (const Ack& ack : history_.acks) {
      const Sent& m = ack.message;
      const std::string what = m.user + "/" + m.device + " cseq " + number(m.cseq) + ": ";
      const auto found = by_id_.find(ack.id);
      if (found == by_id_.end()) {
        report(what + "I3: acknowledged at " + number(ack.seq) + " and lost");
        continue;
      }
      const Entry& e = *found->second;
      const bool same = e.seq == ack.seq && e.useq == ack.useq && e.ts == ack.ts && e.user == m.user &&
                        e.device == m.device && e.epoch == m.epoch && e.cseq == m.cseq && e.body == m.body;
      if (!same) report(what + "I3: acknowledged as something else than entry " + number(e.seq));
    }
  }

  void check_sent() {
    for (const Sent& m : history_.sent) {
      const std::string what = m.user + "/" + m.device + " cseq " + number(m.cseq) + ": ";
      if (!by_key_.contains(Key{m.user, m.device, m.epoch, m.cseq}))
        report(what + "sent until it was answered, and not in the log");
      check_once(what, m.body);
    }
    for (const Published& p : history_.published) {
      check_once(p.user + "'s publication: ", p.body);
      if (p.acknowledged && !bodies_.contains(p.body))
        report(p.user + "'s publication " + p.body + ": I3: acknowledged and lost");
    }
    if (by_id_.size() > history_.sent.size() + history_.published.size())
      report("the log has messages nobody sent");
  }
  void check_once(const std::string& what, const std::string& body) {
    const auto found = bodies_.find(body);
    if (found != bodies_.end() && found->second > 1) report(what + "I5: body " + body + " is there twice");
  }

  // I2: in the log <=> confirmed.
  void check_records() {
    std::set<std::string> confirmed;
    for (const Record& r : history_.records) {
      const std::string what = "message " + r.id + ": I2: ";
      const auto entry = by_id_.find(r.id);
      const bool visible = entry != by_id_.end();
      if (r.status == "confirmed") {
        confirmed.insert(r.id);
        if (!visible) {
          report(what + "confirmed and not in the log");
        } else if (entry->second->seq != r.seq) {
          report(what + "confirmed at " + number(r.seq) + ", in the log at " + number(entry->second->seq));
        }
      } else if (r.status != "cancelled") {
        report(what + "still " + r.status);
      } else if (visible) {
        report(what + "cancelled and in the log");
      }
    }
    for (const auto& [id, entry] : by_id_)
      if (!confirmed.contains(id)) report("entry " + number(entry->seq) + ": I2: not confirmed");
    if (history_.unsettled > 0)
      report("I2: " + number(history_.unsettled) + " messages are still to be settled");
  }

  const History& history_;
  const std::vector<Entry>* log_ = nullptr;
  std::map<std::string, const Entry*> by_id_;
  std::map<Key, const Entry*> by_key_;
  std::map<std::string, int> bodies_;
  std::vector<std::string> bad_;
};

}  // namespace

std::vector<std::string> violations(const History& history) { return Checker(history).run(); }

}  // namespace lcg::sim
