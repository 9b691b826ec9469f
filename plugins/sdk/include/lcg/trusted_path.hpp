// SPDX-License-Identifier: Apache-2.0
// trusted_path.hpp: may what lies at a path be believed? For code that is loaded, configurations, keys: for a file
// that some other user of the machine could have put there, or could exchange, the answer is no.
//
// Every component from "/" on is looked at with the last one's descriptor in hand (openat, O_NOFOLLOW): it belongs to
// root or to this process's user, and nobody else may write it. A directory that others may write is taken where its
// sticky bit keeps them from exchanging what is not theirs (/tmp), as its entry is checked next. A group may write
// where it is its owner's alone (the user's private group of Debian: an account of /etc/passwd, no other account of it
// and no other member in the group) and no access list (ACL) adds to it. A link is followed when its owner passes the
// same test, component by component. So nobody but root and this user can change, afterwards either, what the
// resolved path leads to: open that one. Blocks on the disk; any thread.
#pragma once
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lcg {

struct TrustedPath {
  bool ok() const { return why.empty(); }
  bool absent() const { return error == ENOENT || error == ENOTDIR; }

  std::string path;  // ok: absolute, all links resolved
  std::string why;   // not ok: names the component, what is wrong with it, what to do
  int error = 0;     // errno, when something is not there or cannot be looked at
};

namespace detail {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

// The name of the one account of `accounts` (in the form of /etc/passwd) whose own group is `group`, when that account
// is `owner`; else "".
inline std::string only_account_of(gid_t group, uid_t owner, std::FILE* accounts) {
  std::string name;
  passwd buffer{};
  passwd* account = nullptr;
  std::vector<char> text(16384);
  int error = 0;
  while ((error = ::fgetpwent_r(accounts, &buffer, text.data(), text.size(), &account)) == 0) {
    if (account->pw_gid != group) continue;
    if (account->pw_uid != owner) return "";
    name = account->pw_name;
  }
  return error == ENOENT ? name : "";  // ENOENT: the end
}

// Is `group` the one of `owner` and of nobody else? Not of root, who needs none.
inline bool is_private_group(gid_t group, uid_t owner) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> accounts(owner == 0 ? nullptr : std::fopen("/etc/passwd", "re"));
  const std::string name = accounts == nullptr ? "" : only_account_of(group, owner, accounts.get());
  if (name.empty()) return false;
  std::vector<char> text(16384);
  struct group buffer {};
  struct group* entry = nullptr;
  if (::getgrgid_r(group, &buffer, text.data(), text.size(), &entry) != 0 || entry == nullptr ||
      name != entry->gr_name)
    return false;
  for (char** member = entry->gr_mem; *member != nullptr; ++member)
    if (name != *member) return false;
  return true;
}

// Whether users and groups are named in it besides; also where that cannot be told. `fd` may be O_PATH.
inline bool may_have_access_list(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  return ::getxattr(path.c_str(), "system.posix_acl_access", nullptr, 0) >= 0 ||
         (errno != ENODATA && errno != EOPNOTSUPP);
}

inline std::string octal(mode_t mode) {
  std::string out;
  for (int shift = 9; shift >= 0; shift -= 3) out += static_cast<char>('0' + (mode >> shift & 7));
  return out;
}

// Empty: nobody but root and this user may exchange or change it.
inline std::string why_not_trusted(int fd, const struct stat& info, const std::string& path) {
  const uid_t me = ::geteuid();
  if (info.st_uid != 0 && info.st_uid != me)
    return path + ": belongs to uid " + std::to_string(info.st_uid) + ", expected root or uid " +
           std::to_string(me) + " that this process runs as; chown it";
  if (S_ISLNK(info.st_mode)) return "";  // its mode means nothing
  mode_t others = info.st_mode & (S_IWGRP | S_IWOTH);
  // With an access list the group's bits are the most that anybody named in it may do.
  if ((others & S_IWGRP) != 0 && is_private_group(info.st_gid, info.st_uid) && !may_have_access_list(fd))
    others &= ~mode_t{S_IWGRP};
  if (others == 0 || (S_ISDIR(info.st_mode) && (info.st_mode & S_ISVTX) != 0)) return "";
  return path + ": mode is " + octal(info.st_mode & 07777) +
         ", writable by others than its owner; chmod go-w it";
}

// The components of `path` in front of those that are left.
inline void push_components(std::string_view path, std::deque<std::string>& left) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at && path.substr(at, end - at) != ".") parts.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  left.insert(left.begin(), parts.begin(), parts.end());
}

class PathWalk {
 public:
  TrustedPath walk(const std::string& path) {
    if (path.empty()) return fail("a path is empty", ENOENT);
    char here[PATH_MAX];
    if (path.front() != '/') {
      if (::getcwd(here, sizeof here) == nullptr) return fail(".", errno);
      push_components(here, left_);
    }
    std::deque<std::string> rest;
    push_components(path, rest);
    left_.insert(left_.end(), rest.begin(), rest.end());
    if (!enter_root()) return std::move(out_);
    while (!left_.empty())
      if (!step()) return std::move(out_);
    out_.path = name("");
    return std::move(out_);
  }

 private:
  static constexpr int kMaxLinks = 40;  // as Linux has it

  TrustedPath fail(std::string why, int error = 0) {
    out_.why = error == 0 ? std::move(why) : why + ": " + std::strerror(error);
    out_.error = error;
    return out_;
  }
  bool refuse(std::string why, int error = 0) {
    fail(std::move(why), error);
    return false;
  }
  std::string name(const std::string& last) const {
    std::string all;
    for (const std::string& part : done_) all += "/" + part;
    if (!last.empty()) all += "/" + last;
    return all.empty() ? "/" : all;
  }
  // REQUIRES: done_ is empty.
  bool enter_root() {
    open_.clear();
    open_.emplace_back(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat info {};
    if (open_.back().get() < 0 || ::fstat(open_.back().get(), &info) != 0) return refuse("/", errno);
    std::string why = why_not_trusted(open_.back().get(), info, "/");
    return why.empty() || refuse(std::move(why));
  }
  bool step() {
    const std::string part = std::move(left_.front());
    left_.pop_front();
    if (part == "..") {
      if (!done_.empty()) done_.pop_back(), open_.pop_back();
      return true;
    }
    Descriptor next(::openat(open_.back().get(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (next.get() < 0 || ::fstat(next.get(), &info) != 0) return refuse(name(part), errno);
    if (std::string why = why_not_trusted(next.get(), info, name(part)); !why.empty())
      return refuse(std::move(why));
    if (S_ISLNK(info.st_mode)) return follow(next, part);
    if (!left_.empty() && !S_ISDIR(info.st_mode)) return refuse(name(part), ENOTDIR);
    done_.push_back(part);
    open_.push_back(std::move(next));
    return true;
  }
  bool follow(const Descriptor& link, const std::string& part) {
    if (++links_ > kMaxLinks) return refuse(name(part), ELOOP);
    char target[PATH_MAX];
    const ssize_t size = ::readlinkat(link.get(), "", target, sizeof target);
    if (size < 0) return refuse(name(part), errno);
    const std::string_view text(target, static_cast<size_t>(size));
    if (text.starts_with('/')) {
      done_.clear();
      if (!enter_root()) return false;
    }
    push_components(text, left_);
    return true;
  }

  TrustedPath out_;
  std::deque<std::string> left_;   // components still to come
  std::vector<std::string> done_;  // components of what was entered
  std::vector<Descriptor> open_;   // "/" and one for each of done_
  int links_ = 0;
};

}  // namespace detail

// Whatever lies there. A path that is not there: absent().
inline TrustedPath trusted_path(const std::string& path) { return detail::PathWalk().walk(path); }

inline TrustedPath trusted_directory(const std::string& path) {
  TrustedPath out = trusted_path(path);
  struct stat info {};
  if (out.ok() && (::lstat(out.path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)))
    out.why = out.path + ": is not a directory";
  return out;
}

inline TrustedPath trusted_file(const std::string& path) {
  TrustedPath out = trusted_path(path);
  struct stat info {};
  if (out.ok() && (::lstat(out.path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)))
    out.why = out.path + ": is not a regular file";
  return out;
}

}  // namespace lcg
