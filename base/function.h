// UniqueFunction: a move-only callable, small ones stored in place (std::move_only_function is C++23).
#pragma once
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace lcg {

template <class Signature, size_t kInline = 48>
class UniqueFunction;

// Not copyable; calling an empty one is undefined. Callables up to kInline bytes that move without throwing
// cost no allocation.
template <class R, class... Args, size_t kInline>
class UniqueFunction<R(Args...), kInline> {
 public:
  UniqueFunction() = default;
  UniqueFunction(std::nullptr_t) {}  // NOLINT: implicit by design
  template <
      class F, class D = std::decay_t<F>,
      class = std::enable_if_t<!std::is_same_v<D, UniqueFunction> && std::is_invocable_r_v<R, D&, Args...>>>
  UniqueFunction(F&& f) {  // NOLINT: implicit by design
    if constexpr (fits<D>()) {
      ::new (static_cast<void*>(storage_)) D(std::forward<F>(f));
      ops_ = &kInlineOps<D>;
    } else {
      ::new (static_cast<void*>(storage_)) D*(new D(std::forward<F>(f)));
      ops_ = &kHeapOps<D>;
    }
  }
  UniqueFunction(UniqueFunction&& other) noexcept : ops_(other.ops_) {
    if (ops_ != nullptr) ops_->move(other.storage_, storage_);
    other.ops_ = nullptr;
  }
  UniqueFunction& operator=(UniqueFunction&& other) noexcept {
    if (this != &other) {
      reset();
      ops_ = other.ops_;
      if (ops_ != nullptr) ops_->move(other.storage_, storage_);
      other.ops_ = nullptr;
    }
    return *this;
  }
  ~UniqueFunction() { reset(); }

  explicit operator bool() const { return ops_ != nullptr; }
  R operator()(Args... args) { return ops_->call(storage_, std::forward<Args>(args)...); }

 private:
  struct Ops {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };
  template <class D>
  static constexpr bool fits() {
    return sizeof(D) <= kInline && alignof(D) <= alignof(std::max_align_t) &&
           std::is_nothrow_move_constructible_v<D>;
  }
  template <class D>
  static D& in_place(void* p) {
    return *std::launder(static_cast<D*>(p));
  }
  template <class D>
  static D*& pointer(void* p) {
    return *std::launder(static_cast<D**>(p));
  }
  template <class D>
  static constexpr Ops kInlineOps = {
      [](void* p, Args&&... args) -> R { return in_place<D>(p)(std::forward<Args>(args)...); },
      [](void* from, void* to) noexcept {
        ::new (to) D(std::move(in_place<D>(from)));
        in_place<D>(from).~D();
      },
      [](void* p) noexcept { in_place<D>(p).~D(); }};
  template <class D>
  static constexpr Ops kHeapOps = {
      [](void* p, Args&&... args) -> R { return (*pointer<D>(p))(std::forward<Args>(args)...); },
      [](void* from, void* to) noexcept { ::new (to) D*(pointer<D>(from)); },
      [](void* p) noexcept { delete pointer<D>(p); }};

  void reset() {
    if (ops_ != nullptr) ops_->destroy(storage_);
    ops_ = nullptr;
  }
  const Ops* ops_ = nullptr;
  alignas(std::max_align_t) unsigned char storage_[kInline];
};

}  // namespace lcg
