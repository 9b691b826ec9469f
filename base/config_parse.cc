// From YAML's events to Nodes. Events and not YAML::Node, because that keeps duplicate keys silently.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>

#include "base/config.h"
#include "base/config_tree.h"
#include "base/utf8.h"

namespace lcg::config {
namespace {

// Ends the parse from inside a handler; caught in parse_yaml.
struct Refused {
  Place place;
  std::string text;
};

// Some of the parser's messages end in what they found: a text that begins with '*' is an alias to it.
std::string told(const std::string& message) {
  if (message.starts_with(YAML::ErrorMsg::UNKNOWN_ANCHOR))
    return "anchors and aliases are not supported: put a text that begins with '*' into quotes";
  return message.substr(0, message.find(": "));
}

Place place_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

class Builder final : public YAML::EventHandler {
 public:
  std::unique_ptr<Node> take() { return std::move(root_); }
  std::vector<Error>& duplicates() { return duplicates_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    if (expects_key()) return add_key(mark, "null");
    add(mark, Node::Kind::kNull);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{place_of(mark), "anchors and aliases are not supported: write the value out"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (expects_key()) return add_key(mark, value);
    Node& node = add(mark, Node::Kind::kScalar);
    node.text = value;
    node.quoted = tag == "!";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kList);
  }
  void OnSequenceEnd() override { stack_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::kMap);
  }
  void OnMapEnd() override { stack_.pop_back(); }

 private:
  static void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      throw Refused{place_of(mark), "anchors and aliases are not supported: write the value out"};
  }
  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refused{place_of(mark), "tags are not supported: put a text that begins with '!' into quotes"};
    }
  }

  // A map is filled key, value, key, value: a member without a value waits for it.
  bool expects_key() const {
    if (stack_.empty() || stack_.back()->kind != Node::Kind::kMap) return false;
    const auto& members = stack_.back()->members;
    return members.empty() || members.back().value != nullptr;
  }

  void add_key(const YAML::Mark& mark, const std::string& key) {
    auto& members = stack_.back()->members;
    auto same = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.key == key; });
    if (same != members.end()) {
      duplicates_.push_back({place_of(mark), "'" + told_path(key) +
                                                 "' is given twice; the first is on line " +
                                                 std::to_string(same->place.line)});
    }
    members.push_back({key, place_of(mark), nullptr, false});
  }

  Node& add(const YAML::Mark& mark, Node::Kind kind) {
    auto node = std::make_unique<Node>();
    node->kind = kind;
    node->place = place_of(mark);
    Node& added = *node;
    if (stack_.empty()) {
      root_ = std::move(node);
    } else if (stack_.back()->kind == Node::Kind::kList) {
      stack_.back()->items.push_back(std::move(node));
    } else {
      Member& member = stack_.back()->members.back();
      if (kind == Node::Kind::kNull)
        added.place = member.place;  // YAML's mark is that of whatever comes next
      member.value = std::move(node);
    }
    return added;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (expects_key()) throw Refused{place_of(mark), "expected a key, found a list or a map"};
    if (stack_.size() == kMaxDepth) {
      throw Refused{place_of(mark), "nested deeper than " + std::to_string(kMaxDepth) + " levels"};
    }
    stack_.push_back(&add(mark, kind));
  }

  std::unique_ptr<Node> root_;
  std::vector<Node*> stack_;
  std::vector<Error> duplicates_;
};

}  // namespace

void parse_yaml(std::string_view text, State& state) {
  if (text.size() > kMaxFile) {
    state.errors.push_back({{}, "the file is over " + show_bytes(kMaxFile)});
    return;
  }
  if (!valid_utf8(text) || text.find('\0') != std::string_view::npos) {
    state.errors.push_back({{}, "the file is not UTF-8 text"});
    return;
  }
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder;
    parser.HandleNextDocument(builder);
    state.root = builder.take();
    state.errors = std::move(builder.duplicates());
    Builder second;
    if (parser.HandleNextDocument(second)) {
      std::unique_ptr<Node> extra = second.take();
      state.errors.push_back({extra ? extra->place : Place{}, "a second document ('---') is not supported"});
    }
  } catch (const Refused& refused) {
    state.errors.push_back({refused.place, refused.text});
  } catch (const YAML::Exception& e) {
    state.errors.push_back({e.mark.is_null() ? Place{} : place_of(e.mark), told(e.msg)});
  } catch (const std::exception& e) {
    state.errors.push_back({{}, e.what()});
  }
}

}  // namespace lcg::config
