// SPDX-License-Identifier: Apache-2.0
// fair_queue: whose turn it is to hash.
//
// A few turns at once. Those who wait stand in a line for each address (net/address.hpp), and the lines take turns, so
// however much one address asks for, others wait for one piece of its work and no more. Logins and registrations are
// two rings of lines: while both wait, three turns of four are for logins. What nobody waits for any more is not
// done. Bounds: `per_key` in a line, `waiting` in a ring; a ring that is full makes room at the end of its longest
// line, so that filling it does not keep others out. Lane: the instance's.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

#include "lcg/reply.hpp"
#include "lcg/sync.hpp"

namespace lcg::uaa {

class FairQueue {
 public:
  enum class Kind : uint8_t { kLogin, kRegistration };
  struct Rules {
    size_t turns = 2;
    size_t per_key = 16;
    size_t waiting = 256;
  };
  // Who waits, and until when.
  struct Asker {
    std::string key;
    Kind kind = Kind::kLogin;
    int64_t deadline_ns = 0;  // 0: none
    detail::CancelFlag cancelled;
  };
  using Now = std::function<int64_t()>;

  // A turn, until it is destroyed.
  class [[nodiscard]] Turn {
   public:
    Turn() = default;
    explicit Turn(FairQueue* queue) noexcept : queue_(queue) {}
    Turn(Turn&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    Turn& operator=(Turn&& other) noexcept {
      std::swap(queue_, other.queue_);
      return *this;
    }
    ~Turn() {
      if (queue_ != nullptr) queue_->give_back();
    }

   private:
    FairQueue* queue_ = nullptr;
  };

 private:
  struct Line;

 public:
  class [[nodiscard]] Wait : public detail::Waiter {
   public:
    Wait(FairQueue* queue, Asker asker) noexcept : queue_(queue), asker_(std::move(asker)) {}
    ~Wait();
    bool await_ready();
    void await_suspend(std::coroutine_handle<> h);
    Outcome<Turn> await_resume() noexcept;

   private:
    friend class FairQueue;
    void settle(lcg_status status) noexcept;

    FairQueue* const queue_;
    Asker asker_;
    Line* line_ = nullptr;  // it stands in
    lcg_status status_ = LCG_OK;
    bool has_turn_ = false;
  };

  FairQueue(Rules rules, Now now) : rules_(rules), now_(std::move(now)) {}

  // co_await queue.take(asker): an Outcome<Turn>. LCG_E_BUSY: no room; LCG_E_TIMEOUT: nobody waits for it any more;
  // LCG_E_CANCELLED: stop() was called.
  Wait take(Asker asker) { return {this, std::move(asker)}; }
  // Wakes all who wait.
  void stop();

  size_t waiting() const noexcept { return rings_[0].waiting + rings_[1].waiting; }

 private:
  struct Line {
    std::string key;
    std::deque<Wait*> waits;  // at most per_key
  };
  struct Ring {
    std::list<Line> lines;  // the next to be served first
    std::unordered_map<std::string_view, std::list<Line>::iterator> by_key;
    size_t waiting = 0;
  };
  static constexpr unsigned kOneOf = 4;  // turns is a registration's while logins wait

  Ring& ring_of(const Wait& wait) noexcept { return rings_[static_cast<size_t>(wait.asker_.kind)]; }
  bool is_over(const Wait& wait) const;
  bool make_room(Ring& ring, size_t own);
  void stand(Wait& wait);
  void leave(Wait& wait) noexcept;
  Ring* next_ring() noexcept;
  void give_back() noexcept;

  const Rules rules_;
  const Now now_;
  Ring rings_[2];
  size_t busy_ = 0;     // turns that are taken
  unsigned given_ = 0;  // turns since a registration had one, while both waited
  bool stopped_ = false;
};

}  // namespace lcg::uaa
