// Authorities: the plugins that say who a client is, and which user ids each of them may give.
//
// An id belongs to one authority, for whatever asks later (dialogs, blocks, personal channels, back ends) sees the id
// alone. The operator gives each its `user_prefix`; one may do without. With two that could give the same id, which
// faults() names, the server does not start, and may_give() holds every plugin to its own, whatever it answers: no bug of a plugin makes
// one of its users another plugin's.
//
// Made at boot, then immutable. Any thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace lcg::host {

inline constexpr size_t kMaxUserPrefix = 16;  // bytes
inline constexpr size_t kMaxUserId = 255;     // bytes, prefix included

// "" or what is wrong with it. A prefix is 1 to 15 of a-z, 0-9, '-', '_' and ends with '@', which the names of `uaa`
// cannot have: no name a stranger chooses there begins with one.
std::string fault_of_user_prefix(std::string_view prefix);

class Authorities {
 public:
  // A configured plugin, in the order of the YAML. `takes_connect`: it is asked who a client is. `where`: of its
  // user_prefix, "lcg.yaml:14:9: plugins.1.user_prefix", for messages.
  void add(std::string plugin, bool takes_connect, std::string prefix, std::string where);

  // One line for each mistake: two plugins that could give the same id, a prefix on a plugin that gives none.
  std::vector<std::string> faults() const;

  // `plugin` counts what was added. An anonymous client ("") belongs to nobody.
  bool may_give(uint32_t plugin, std::string_view user) const;
  const std::string& prefix(uint32_t plugin) const { return plugins_[plugin].prefix; }
  // The prefix of any plugin that `user` begins with; "": none. Valid as long as this.
  std::string_view prefix_of(std::string_view user) const;

 private:
  struct Entry {
    std::string plugin;
    bool takes_connect = false;
    std::string prefix, where;
  };
  std::vector<Entry> plugins_;
};

}  // namespace lcg::host
