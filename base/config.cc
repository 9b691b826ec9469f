#include "base/config.h"

#include <algorithm>

#include "base/config_tree.h"
#include "base/text_hash.h"

namespace lcg::config {
namespace {

// A refused value goes to the log: it is told only when it is a number, with a unit at most. Any other text may be a
// secret that was put where it does not belong.
std::string told(std::string_view text) {
  if (text.empty() || looks_like_number(text)) return "'" + std::string(text) + "'";
  return "a text of " + std::to_string(text.size()) + (text.size() == 1 ? " byte" : " bytes");
}

// A text as dump_effective shows it: what came from the environment or a file is named and not shown, nor is what a URL
// has for its server alone.
std::string shown(const std::string& raw) {
  std::string text = raw;
  for (size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    const size_t host = at + 3, end = std::min(text.find_first_of("/?#", host), text.size());
    const size_t user = text.rfind('@', end);
    if (user != std::string::npos && user >= host && user < end) text.replace(host, user - host, "***");
    if (const size_t query = text.find('?', host); query != std::string::npos)
      text.replace(query + 1, std::string::npos, "***");
  }
  return "\"" + text + "\"";
}

std::string found(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "nothing";
    case Node::Kind::kScalar:
      return (node.quoted && looks_like_number(node.text) ? "the text " : "") + told(node.text);
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a map";
  }
  return "nothing";
}

std::string folder_of(const std::string& path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string joined(const std::string& path, std::string_view key) {
  return path.empty() ? std::string(key) : path + "." + std::string(key);
}

std::string unknown_key(std::string_view key, const std::vector<std::string>& known) {
  std::string guess = closest(key, known);
  return guess.empty() ? "unknown key" : "unknown key, did you mean '" + guess + "'?";
}

// Makes a scalar the map {key: scalar}.
void expand(Node& scalar, std::string_view key) {
  auto value = std::make_unique<Node>();
  value->kind = Node::Kind::kScalar;
  value->place = scalar.place;
  value->text = std::move(scalar.text);
  value->quoted = scalar.quoted;
  scalar.kind = Node::Kind::kMap;
  scalar.text.clear();
  scalar.members.push_back({std::string(key), scalar.place, std::move(value)});
}

void report_unread(State& state, Node& node, const std::string& path) {
  if (node.opaque) return;
  for (Member& member : node.members) {
    std::string inner = joined(path, member.key);
    if (!member.used) {
      state.errors.push_back({member.place, told_path(inner) + ": " + unknown_key(member.key, node.asked)});
    } else if (member.value) {
      report_unread(state, *member.value, inner);
    }
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    report_unread(state, *node.items[i], joined(path, std::to_string(i)));
  }
}

}  // namespace

Document::Document() : state_(std::make_unique<State>()) {}
Document::~Document() = default;
Document::Document(Document&&) noexcept = default;
Document& Document::operator=(Document&&) noexcept = default;

Document Document::load(const std::string& path) {
  Document doc;
  doc.state_->file = path;
  doc.state_->folder = folder_of(path);
  std::string error;
  if (std::optional<std::string> text = read_file(path, kMaxFile, error)) {
    parse_yaml(*text, *doc.state_);
  } else {
    doc.state_->errors.push_back({{}, error});
  }
  return doc;
}

Document Document::parse(std::string_view text, const std::string& name) {
  Document doc;
  doc.state_->file = name;
  doc.state_->folder = folder_of(name);
  parse_yaml(text, *doc.state_);
  return doc;
}

Section Document::root() {
  Node* root = state_->root.get();
  if (root != nullptr && root->kind == Node::Kind::kNull) root = nullptr;
  if (root != nullptr && root->kind != Node::Kind::kMap) {
    state_->errors.push_back({root->place, "expected a map of settings, found " + found(*root)});
    state_->root.reset();
    root = nullptr;
  }
  return Section(state_.get(), root, "");
}

bool Document::ok() const { return state_->errors.empty(); }

std::vector<std::string> Document::errors() const {
  std::vector<Error> sorted = state_->errors;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Error& a, const Error& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  std::vector<std::string> lines;
  for (const Error& error : sorted) {
    std::string line = state_->where(error.place) + ": " + error.text;
    if (lines.empty() || lines.back() != line) lines.push_back(std::move(line));
  }
  return lines;
}

std::string Document::error_text() const {
  std::string text;
  for (const std::string& line : errors()) text.append(line).push_back('\n');
  return text;
}

std::string Document::dump_effective() const {
  std::string text;
  for (const auto& [path, value] : state_->effective)
    text.append(path).append(": ").append(value).push_back('\n');
  return text;
}

std::map<std::string, uint64_t> Document::digests() const { return state_->digests; }

std::string Section::path_of(std::string_view key) const { return joined(path_, key); }

bool Section::has(std::string_view key) const {
  if (node_ == nullptr) return false;
  return std::any_of(node_->members.begin(), node_->members.end(),
                     [&](const Member& member) { return member.key == key; });
}

Node* Section::find(std::string_view key) {
  if (node_ == nullptr) return nullptr;
  if (std::find(node_->asked.begin(), node_->asked.end(), key) == node_->asked.end()) {
    node_->asked.emplace_back(key);
  }
  Node* value = nullptr;
  for (Member& member : node_->members) {
    if (member.key != key) continue;
    member.used = true;
    if (value == nullptr) value = member.value.get();
  }
  return value;
}

void Section::fault(Place place, std::string_view key, const std::string& what) {
  state_->errors.push_back({place, told_path(path_of(key)) + ": " + what});
}

void Section::mismatch(const Node& node, std::string_view key, const std::string& expected) {
  fault(node.place, key, "expected " + expected + ", found " + found(node));
}

void Section::record(std::string_view key, const std::string& shown, std::string_view value) {
  state_->effective.emplace_back(path_of(key), shown);
  state_->digests[path_of(key)] = text_hash(value);
}

std::optional<std::string> Section::text(std::string_view key, const char* expected) {
  Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (node->kind != Node::Kind::kScalar) {
    mismatch(*node, key, expected);
    return std::nullopt;
  }
  std::string error;
  std::optional<std::string> value = substitute(node->text, state_->folder, error);
  if (!value) fault(node->place, key, error);
  return value;
}

bool Section::get(std::string_view key, std::string& target) {
  std::optional<std::string> value = text(key, "text");
  if (value) target = std::move(*value);
  const Node* const node = value ? find(key) : nullptr;
  record(key, shown(node != nullptr && has_substitution(node->text) ? node->text : target), target);
  return value.has_value();
}

bool Section::get_secret(std::string_view key, std::string& target) {
  std::optional<std::string> value = text(key, "text");
  if (value) target = std::move(*value);
  record(key, "***", target);
  return value.has_value();
}

bool Section::get(std::string_view key, std::vector<std::string>& target) {
  Node* node = find(key);
  if (node != nullptr && node->kind != Node::Kind::kList) {
    mismatch(*node, key, "a list of texts");
    node = nullptr;
  }
  if (node != nullptr) {
    std::vector<std::string> values;
    for (const auto& item : node->items) {
      std::string error;
      std::optional<std::string> value;
      if (item->kind == Node::Kind::kScalar) {
        value = substitute(item->text, state_->folder, error);
      } else {
        error = "expected text, found " + found(*item);
      }
      if (!value) {
        fault(item->place, joined(std::string(key), std::to_string(values.size())), error);
        return false;
      }
      values.push_back(std::move(*value));
    }
    target = std::move(values);
  }
  std::string list, truth;
  for (size_t i = 0; i < target.size(); ++i) {
    const bool filled_in = node != nullptr && has_substitution(node->items[i]->text);
    list += (i == 0 ? "" : ", ") + shown(filled_in ? node->items[i]->text : target[i]);
    truth.append(target[i]).push_back('\0');
  }
  record(key, "[" + list + "]", truth);
  return node != nullptr;
}

bool Section::get(std::string_view key, std::map<std::string, std::string>& target) {
  if (find(key) == nullptr) {
    record(key, "{" + std::to_string(target.size()) + " entries}");
    return false;
  }
  Section map = section(key);
  if (!map.exists()) return false;
  std::map<std::string, std::string> values;
  for (const Member& member : map.node_->members) {
    std::string value;
    if (!map.get(member.key, value)) return false;
    values.emplace(member.key, std::move(value));
  }
  target = std::move(values);
  return true;
}

void Section::require(std::string_view key) {
  if (find(key) != nullptr) return;
  Place place = node_ == nullptr ? Place{} : node_->place;
  fault(place, key, "is missing and has no default");
}

Section Section::section(std::string_view key) {
  Node* node = find(key);
  if (node != nullptr && node->kind != Node::Kind::kMap) {
    if (node->kind != Node::Kind::kNull) mismatch(*node, key, "a map of settings");
    node = nullptr;
  }
  return Section(state_, node, path_of(key));
}

std::vector<Section> Section::list(std::string_view key, std::string_view short_form) {
  std::vector<Section> sections;
  Node* node = find(key);
  if (node == nullptr || node->kind == Node::Kind::kNull) return sections;
  if (node->kind != Node::Kind::kList) {
    mismatch(*node, key, "a list");
    return sections;
  }
  for (size_t i = 0; i < node->items.size(); ++i) {
    std::string name = std::string(key) + "." + std::to_string(i);
    Node& item = *node->items[i];
    if (item.kind == Node::Kind::kScalar && !short_form.empty()) expand(item, short_form);
    if (item.kind == Node::Kind::kMap) {
      sections.push_back(Section(state_, &item, path_of(name)));
    } else {
      mismatch(item, name, "a map of settings");
    }
  }
  return sections;
}

std::vector<std::pair<std::string, Section>> Section::named(std::string_view key) {
  std::vector<std::pair<std::string, Section>> sections;
  Section outer = section(key);
  if (!outer.exists()) return sections;
  for (const Member& member : outer.node_->members) {
    sections.emplace_back(member.key, outer.section(member.key));
  }
  return sections;
}

std::string Section::where(std::string_view key) const {
  if (node_ == nullptr) return state_->file;
  for (const Member& member : node_->members) {
    if (member.key == key) return state_->where(member.value ? member.value->place : member.place);
  }
  return state_->where(node_->place);
}

void Section::error(std::string_view key, const std::string& message) {
  Place place;
  if (node_ != nullptr) {
    place = node_->place;
    for (const Member& member : node_->members) {
      if (member.key == key && member.value) place = member.value->place;
    }
  }
  fault(place, key, message);
}

void Section::error(std::string_view key, size_t entry, const std::string& message) {
  Place place = node_ == nullptr ? Place{} : node_->place;
  if (const Node* list = find(key); list != nullptr)
    place = entry < list->items.size() ? list->items[entry]->place : list->place;
  fault(place, joined(std::string(key), std::to_string(entry)), message);
}

void Section::finish() {
  if (node_ != nullptr) report_unread(*state_, *node_, path_);
}

}  // namespace lcg::config
