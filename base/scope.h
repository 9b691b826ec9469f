// Scope: what a stop waits for. Whoever starts work enters and holds the pass until the work is over; close()
// refuses newcomers, tells those inside to hurry, and reports when the last one has left.
//
//   Scope::Pass pass = scope_.enter([this, id] { cancel(id); });
//   if (!pass) return Status(Code::kCancelled, "stopping");
//   store_.get(key, [pass = std::move(pass), ...](Result<Row> row) { ... });     // leaves when destroyed
//
// One lane's: everything here, and destroying a pass, happens on it. The scope outlives its passes;
// destroying it while work is inside ends the process, because that work would go on without its owner.
#pragma once
#include <cstddef>
#include <list>
#include <utility>

#include "base/lane.h"

namespace lcg {

class Scope {
 public:
  class Pass {
   public:
    Pass() = default;
    Pass(Pass&& other) noexcept : scope_(std::exchange(other.scope_, nullptr)), cancel_(other.cancel_) {}
    Pass& operator=(Pass&& other) noexcept {
      if (this != &other) {
        leave();
        scope_ = std::exchange(other.scope_, nullptr);
        cancel_ = other.cancel_;
      }
      return *this;
    }
    ~Pass() { leave(); }

    // False: the scope was closed (or the pass has left); start nothing.
    explicit operator bool() const { return scope_ != nullptr; }
    void leave();

   private:
    friend class Scope;
    using Cancels = std::list<LaneTask>;
    explicit Pass(Scope* scope) : scope_(scope), cancel_(scope->cancels_.end()) {}
    Scope* scope_ = nullptr;
    Cancels::iterator cancel_;
  };

  explicit Scope(Lane& lane) : lane_(lane), next_cancel_(cancels_.end()) {}
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  // A pass, or an empty one once close() was called.
  Pass enter();
  // `on_close` runs inside close() if the pass is still held then: it makes the work end soon. It may leave
  // this and other passes. Without it the work just ends in its own time.
  Pass enter(LaneTask on_close);

  // Refuses newcomers, runs the on_close of all inside, in the order they entered, and posts `when_empty` to
  // the lane as soon as nobody is inside: never from within this call. REQUIRES: not closed before.
  void close(LaneTask when_empty);

  bool closed() const { return closed_; }
  size_t inside() const { return inside_; }

 private:
  void left();

  Lane& lane_;
  size_t inside_ = 0;
  bool closed_ = false;
  bool cancelling_ = false;
  std::list<LaneTask> cancels_;
  std::list<LaneTask>::iterator next_cancel_;  // end() but inside close()
  LaneTask when_empty_;
};

}  // namespace lcg
