#include "base/scope.h"

#include "base/status.h"

namespace lcg {

Scope::~Scope() {
  if (inside_ != 0) die("a scope is destroyed while work is inside it: close it and wait first");
}

Scope::Pass Scope::enter() {
  if (closed_) return {};
  ++inside_;
  return Pass(this);
}

Scope::Pass Scope::enter(LaneTask on_close) {
  Pass pass = enter();
  if (pass) pass.cancel_ = cancels_.insert(cancels_.end(), std::move(on_close));
  return pass;
}

void Scope::Pass::leave() {
  Scope* scope = std::exchange(scope_, nullptr);
  if (scope == nullptr) return;
  if (cancel_ != scope->cancels_.end()) {
    if (cancel_ == scope->next_cancel_) ++scope->next_cancel_;
    // The task may be the one running right now: close() took it out already and destroys it.
    LaneTask dropped = std::move(*cancel_);
    scope->cancels_.erase(cancel_);
  }
  scope->left();
}

void Scope::left() {
  --inside_;
  if (inside_ == 0 && closed_ && !cancelling_) lane_.post(std::move(when_empty_));
}

void Scope::close(LaneTask when_empty) {
  if (closed_) die("a scope is closed twice");
  closed_ = true;
  cancelling_ = true;
  when_empty_ = std::move(when_empty);
  // A task may leave any pass and so erase any entry, also the next one: leave() then moves next_cancel_ on.
  next_cancel_ = cancels_.begin();
  while (next_cancel_ != cancels_.end()) {
    LaneTask task = std::move(*next_cancel_++);
    task();
  }
  cancelling_ = false;
  if (inside_ == 0) lane_.post(std::move(when_empty_));
}

}  // namespace lcg
