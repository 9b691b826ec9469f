// SPDX-License-Identifier: Apache-2.0
// storage_scrub.hpp: what documents said before goes from the files of the store as well.
//
// A store that appends keeps in its logs and tables what was overwritten or erased, for as long as nothing makes it merge
// them. That is too long for what somebody has taken back.
//
//   std::vector<storage::DocumentName> names{{"dialog_log", key}};
//   Reply gone = co_await storage::scrub(host_, "team", std::move(names));
//
// LCG_OK: it is gone. It costs the rewriting of the files that have the documents, so it is asked for many at once and
// seldom; calls that come at the same time are one. LCG_E_UNSUPPORTED: this store cannot. Lane: the instance's.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/wire.hpp"

namespace lcg::storage {

inline constexpr size_t kMaxScrubDocuments = 1024;  // of a call
inline constexpr uint32_t kScrubTimeoutMs = 300'000;

struct DocumentName {
  std::string collection, key;
};

inline std::string encode(const std::vector<DocumentName>& names) {
  wire::Writer w;
  w.u64(names.size());
  for (const DocumentName& name : names) w.str(name.collection).str(name.key);
  return w.take();
}
inline bool decode(std::string_view data, std::vector<DocumentName>& out) {
  wire::Reader r(data);
  const uint64_t count = r.count();
  for (uint64_t i = 0; i < count && r.ok(); ++i) {
    DocumentName name;
    name.collection = r.str();
    name.key = r.str();
    out.push_back(std::move(name));
  }
  return r.ok();
}

inline Task<Reply> scrub(Host host, std::string partition, std::vector<DocumentName> documents) {
  co_return co_await host.call(
      {"storage", "scrub", std::move(partition), encode(documents), kScrubTimeoutMs});
}

}  // namespace lcg::storage
