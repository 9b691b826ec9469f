// config: YAML to typed values, with errors that say where and what.
//
//   config::Document doc = config::Document::load("conf/lcg.yaml");
//   config::Section limits = doc.root().section("limits");
//   limits.get_size("message", options.max_message, 1, 16 << 20);
//   limits.get("ping", options.ping, Millis(1000), Millis(3'600'000));
//   doc.root().finish();                          // every key nobody asked for is an error
//   if (!doc.ok()) for (auto& line : doc.errors()) ...
//       conf/lcg.yaml:14:9: limits.ping: expected a duration of 1s to 1h, found '100ms'
//       conf/lcg.yaml:15:3: limits.pong_wait: unknown key, did you mean 'pong'?
//
// A target keeps its default when its key is absent or wrong; errors are collected, nothing is thrown.
// Stricter than YAML, because each of these has cost somebody a night: duplicate keys, anchors, tags, numbers
// with a leading zero (octal to YAML), yes/no/on/off as booleans and a second document are refused. Booleans
// are true and false. Sizes: 512, 64KiB, 1MiB, 2GiB (bytes). Durations: 500ms, 25s, 5m, 12h, 30d. Any scalar
// may contain ${env:NAME} and ${file:path} (relative to the configuration's folder, one line break at the end
// dropped); "$${" stands for "${". Read by main before any lane runs; a Document and its sections belong to
// one thread.
#pragma once
#include <concepts>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace lcg::config {

inline constexpr size_t kMaxFile = 1 << 20;       // bytes of a configuration file
inline constexpr unsigned kMaxDepth = 16;         // maps and lists inside each other
inline constexpr size_t kMaxIncluded = 64 << 10;  // bytes of a ${file:...}

struct Node;
struct Place;
struct State;
class Section;
class Scalars;

class Document {
 public:
  // What cannot be read or parsed is in errors(); root() is then empty.
  static Document load(const std::string& path);
  // `name` stands for the file in messages.
  static Document parse(std::string_view text, const std::string& name);
  ~Document();
  Document(Document&&) noexcept;
  Document& operator=(Document&&) noexcept;

  // Lives as long as the document does.
  Section root();
  bool ok() const;
  // "file:line:column: path: expected X, found Y", in the order of the file. Columns and lines from 1.
  std::vector<std::string> errors() const;
  // errors() as one text, a line each.
  std::string error_text() const;
  // Every value asked for so far with what it came to, defaults included, as "path: value" lines; secrets as
  // ***.
  std::string dump_effective() const;
  // The same values by path, and those that Scalars hold, as text_hash of what they truly came to: for telling which
  // changed between two documents of one process. What dump_effective() hides changes here.
  std::map<std::string, uint64_t> digests() const;

 private:
  Document();
  std::unique_ptr<State> state_;
};

// A map of the document, or the absence of one (all reads then leave their targets alone). Cheap to copy.
class Section {
 public:
  bool exists() const { return node_ != nullptr; }
  const std::string& path() const { return path_; }
  bool has(std::string_view key) const;

  // Each returns whether the file set `target`. An absent key is no error.
  bool get(std::string_view key, std::string& target);
  bool get(std::string_view key, bool& target);
  bool get(std::string_view key, double& target, double min = std::numeric_limits<double>::lowest(),
           double max = std::numeric_limits<double>::max());
  bool get(std::string_view key, Millis& target, Millis min = Millis(0), Millis max = kMaxDuration);
  bool get(std::string_view key, std::vector<std::string>& target);
  bool get(std::string_view key, std::map<std::string, std::string>& target);
  template <std::integral Int>
  requires(!std::same_as<Int, bool>) bool get(
      std::string_view key, Int& target, std::type_identity_t<Int> min = std::numeric_limits<Int>::min(),
      std::type_identity_t<Int> max = std::numeric_limits<Int>::max()) {
    bool set = false;
    if constexpr (std::is_signed_v<Int>) {
      int64_t value = target;
      set = get_signed(key, value, min, max);
      target = static_cast<Int>(value);
    } else {
      uint64_t value = target;
      set = get_unsigned(key, value, min, max);
      target = static_cast<Int>(value);
    }
    return set;
  }
  // Bytes.
  bool get_size(std::string_view key, size_t& target, size_t min = 0, size_t max = SIZE_MAX);
  // As get for strings, but never shown by dump_effective() or in a message.
  bool get_secret(std::string_view key, std::string& target);
  // One of the words of `table`.
  template <class Enum>
  bool get_enum(std::string_view key, Enum& target,
                std::initializer_list<std::pair<std::string_view, std::type_identity_t<Enum>>> table) {
    std::vector<std::string_view> words;
    size_t chosen = table.size();
    for (const auto& [word, value] : table) {
      if (value == target && chosen == table.size()) chosen = words.size();
      words.push_back(word);
    }
    bool set = get_word(key, words, chosen);
    if (set) target = (table.begin() + chosen)->second;
    return set;
  }

  // An error if the key is absent. Read it with get() all the same.
  void require(std::string_view key);
  // The map at `key`; an empty Section if absent.
  Section section(std::string_view key);
  // The maps of the list at `key`. With `short_form` a scalar in it stands for a map with that one key.
  std::vector<Section> list(std::string_view key, std::string_view short_form = {});
  // The maps inside the map at `key`, with their names, in the order of the file.
  std::vector<std::pair<std::string, Section>> named(std::string_view key);
  // All scalars below, for a reader that brings its own paths; none of them counts as unknown here any more.
  Scalars scalars();

  // "path.key: message" at the key's place, or at the section's if the key is absent: for what only the
  // caller can judge.
  // REQUIRES: no value of text is in `message`, which goes to the log: what was put there may be a secret.
  void error(std::string_view key, const std::string& message);
  // The same of an entry of the list at `key`, counted from 0.
  void error(std::string_view key, size_t entry, const std::string& message);
  // "lcg.yaml:14:9" of the key, or of the section.
  std::string where(std::string_view key = {}) const;
  // Reports every key of this section and of those below that nobody asked for. Once, on the root, after all
  // reads.
  void finish();

  static constexpr Millis kMaxDuration = std::chrono::hours(24 * 3660);

 private:
  friend class Document;
  Section(State* state, Node* node, std::string path) : state_(state), node_(node), path_(std::move(path)) {}
  bool get_signed(std::string_view key, int64_t& target, int64_t min, int64_t max);
  bool get_unsigned(std::string_view key, uint64_t& target, uint64_t min, uint64_t max);
  bool get_word(std::string_view key, const std::vector<std::string_view>& words, size_t& chosen);
  // The value of `key`, marked as asked for; nullptr if absent.
  Node* find(std::string_view key);
  // Its text after substitution; nothing (and an error) if it is not a scalar.
  std::optional<std::string> text(std::string_view key, const char* expected);
  void fault(Place place, std::string_view key, const std::string& what);
  void mismatch(const Node& node, std::string_view key, const std::string& expected);
  void record(std::string_view key, const std::string& value) { record(key, value, value); }
  // `shown` is what may be seen of `value`.
  void record(std::string_view key, const std::string& shown, std::string_view value);
  std::string path_of(std::string_view key) const;

  State* state_;
  Node* node_;
  std::string path_;
};

// Every scalar below a section by its dotted path: "pool.size", "servers.0.host"; "servers.#" counts a list's
// or a map's entries. Owns what it holds; not synchronised.
class Scalars {
 public:
  // Marks it as read. Nothing: absent, or not a scalar.
  std::optional<std::string> scalar(std::string_view path);
  // "conf/lcg.yaml:14:3: plugins.uaa.tokn_ttl: unknown key, did you mean 'token_ttl'?" for each nobody read.
  std::vector<std::string> unread() const;

 private:
  friend class Section;
  struct Entry {
    std::string value;
    std::string where;
    bool read = false;
    bool counted = false;  // a "#": never unread
  };
  void add(State& state, const Node& node, const std::string& path);
  void put(const std::string& path, Entry entry);

  std::string prefix_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> order_;  // paths as in the file
  std::vector<std::string> asked_;  // paths that were not there
};

}  // namespace lcg::config
