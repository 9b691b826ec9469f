// Scalars: a section flattened to dotted paths.
#include <algorithm>

#include "base/config.h"
#include "base/config_tree.h"
#include "base/text_hash.h"

namespace lcg::config {

Scalars Section::scalars() {
  Scalars all;
  all.prefix_ = path_;
  if (node_ != nullptr) {
    node_->opaque = true;
    all.add(*state_, *node_, "");
  }
  return all;
}

void Scalars::put(const std::string& path, Entry entry) {
  if (entries_.emplace(path, std::move(entry)).second) order_.push_back(path);
}

void Scalars::add(State& state, const Node& node, const std::string& path) {
  auto below = [&](const std::string& name) { return path.empty() ? name : path + "." + name; };
  std::string where = state.where(node.place);
  switch (node.kind) {
    case Node::Kind::kNull:
      put(path, {"", where});
      break;
    case Node::Kind::kScalar: {
      std::string error;
      std::optional<std::string> value = substitute(node.text, state.folder, error);
      std::string full = prefix_.empty() ? path : prefix_ + "." + path;
      if (!value) state.errors.push_back({node.place, told_path(full) + ": " + error});
      state.digests[full] = text_hash(value.value_or(""));
      put(path, {value.value_or(""), where});
      break;
    }
    case Node::Kind::kList:
      put(below("#"), {std::to_string(node.items.size()), where, false, true});
      for (size_t i = 0; i < node.items.size(); ++i) add(state, *node.items[i], below(std::to_string(i)));
      break;
    case Node::Kind::kMap:
      put(below("#"), {std::to_string(node.members.size()), where, false, true});
      for (const Member& member : node.members) add(state, *member.value, below(member.key));
      break;
  }
}

std::optional<std::string> Scalars::scalar(std::string_view path) {
  auto entry = entries_.find(path);
  if (entry == entries_.end()) {
    if (asked_.size() < 1024) asked_.emplace_back(path);  // hints only
    return std::nullopt;
  }
  entry->second.read = true;
  return entry->second.value;
}

std::vector<std::string> Scalars::unread() const {
  std::vector<std::string> lines;
  for (const std::string& path : order_) {
    const Entry& entry = entries_.find(path)->second;
    if (entry.read || entry.counted) continue;
    std::string full = prefix_.empty() ? path : prefix_ + "." + path;
    std::string guess = closest(path, asked_);
    lines.push_back(entry.where + ": " + told_path(full) + ": unknown key" +
                    (guess.empty() ? "" : ", did you mean '" + guess + "'?"));
  }
  return lines;
}

}  // namespace lcg::config
