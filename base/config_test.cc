#include "base/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace lcg::config {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

TEST(Config, ReadsEveryType) {
  Document doc = Document::parse(R"(
name: 'a: "b"'
on: true
count: -7
big: 18446744073709551615
ratio: 0.25
wait: 25s
size: 64KiB
mode: fast
list: [a, "b", 3]
map: {x: 1, y: two}
)",
                                 "t.yaml");
  Section root = doc.root();
  std::string name;
  bool on = false;
  int count = 0;
  uint64_t big = 0;
  double ratio = 0;
  Millis wait{0};
  size_t size = 0;
  enum class Mode { kSlow, kFast } mode = Mode::kSlow;
  std::vector<std::string> list;
  std::map<std::string, std::string> map;

  EXPECT_TRUE(root.get("name", name));
  EXPECT_TRUE(root.get("on", on));
  EXPECT_TRUE(root.get("count", count, -10, 10));
  EXPECT_TRUE(root.get("big", big));
  EXPECT_TRUE(root.get("ratio", ratio, 0, 1));
  EXPECT_TRUE(root.get("wait", wait));
  EXPECT_TRUE(root.get_size("size", size));
  EXPECT_TRUE(root.get_enum("mode", mode, {{"slow", Mode::kSlow}, {"fast", Mode::kFast}}));
  EXPECT_TRUE(root.get("list", list));
  EXPECT_TRUE(root.get("map", map));
  root.finish();

  EXPECT_TRUE(doc.ok()) << doc.error_text();
  EXPECT_EQ(name, "a: \"b\"");
  EXPECT_TRUE(on);
  EXPECT_EQ(count, -7);
  EXPECT_EQ(big, UINT64_MAX);
  EXPECT_EQ(ratio, 0.25);
  EXPECT_EQ(wait, 25s);
  EXPECT_EQ(size, 65536u);
  EXPECT_EQ(mode, Mode::kFast);
  EXPECT_THAT(list, ElementsAre("a", "b", "3"));
  EXPECT_EQ(map.at("y"), "two");
}

TEST(Config, AnAbsentKeyLeavesTheDefault) {
  Document doc = Document::parse("{}", "t.yaml");
  int count = 5;

  EXPECT_FALSE(doc.root().get("count", count));
  EXPECT_FALSE(doc.root().section("none").section("deeper").get("count", count));

  EXPECT_EQ(count, 5);
  EXPECT_TRUE(doc.ok());
}

// Reads `text` with one call and returns the only error.
template <class Read>
std::string error_of(std::string_view text, Read read) {
  Document doc = Document::parse(text, "t.yaml");
  Section root = doc.root();
  read(root);
  EXPECT_EQ(doc.errors().size(), 1u) << text << "\n" << doc.error_text();
  return doc.errors().empty() ? "" : doc.errors()[0];
}

TEST(Config, ATypeErrorSaysWhereWhatAndWhatWasFound) {
  auto read_int = [](Section& root) {
    int value = 0;
    EXPECT_FALSE(root.section("broker").get("slots", value, 1, 65536));
  };
  EXPECT_EQ(error_of("broker:\n  slots: many\n", read_int),
            "t.yaml:2:10: broker.slots: expected an integer of 1 to 65536, found a text of 4 bytes");
  EXPECT_EQ(error_of("broker:\n  slots: [1]\n", read_int),
            "t.yaml:2:10: broker.slots: expected an integer of 1 to 65536, found a list");
  EXPECT_EQ(error_of("broker:\n  slots: 0\n", read_int),
            "t.yaml:2:10: broker.slots: expected an integer of 1 to 65536, found '0'");
  EXPECT_EQ(error_of("broker:\n  slots: \"12\"\n", read_int),
            "t.yaml:2:10: broker.slots: expected an integer of 1 to 65536, found the text '12'");
  EXPECT_EQ(error_of("broker:\n  slots:\n", read_int),
            "t.yaml:2:3: broker.slots: expected an integer of 1 to 65536, found nothing");
  EXPECT_EQ(error_of("broker: 3\n", read_int), "t.yaml:1:9: broker: expected a map of settings, found '3'");
}

TEST(Config, ARefusedTextIsNeverQuoted) {
  const std::string secret = "hunter2-is-a-secret";
  const auto is_told = [&secret](std::string_view text) {
    Document doc = Document::parse(text, "t.yaml");
    Section root = doc.root();
    int number = 0;
    bool flag = false;
    double real = 0;
    Millis wait{0};
    size_t size = 0;
    std::vector<std::string> list;
    enum class Word { kOne } word = Word::kOne;
    root.get("number", number);
    root.get("flag", flag);
    root.get("real", real);
    root.get("wait", wait);
    root.get_size("size", size);
    root.get("list", list);
    root.get_enum("word", word, {{"one", Word::kOne}});
    root.section("map");
    root.list("maps");
    std::string kept, url;
    root.get_secret("secret", kept);
    root.get("url", url);
    root.finish();
    EXPECT_FALSE(doc.ok()) << text;
    return (doc.error_text() + doc.dump_effective()).find(secret) != std::string::npos;
  };
  for (const char* key : {"number", "flag", "real", "wait", "size", "list", "word", "map", "maps"})
    for (const char* quote : {"", "'", "\""})
      EXPECT_FALSE(is_told(std::string(key) + ": " + quote + secret + quote)) << key;
  for (const std::string& text :
       {"secret: " + secret + "\nnumber: x", "secret: [" + secret + "]", "maps: [" + secret + "]",
        "secret: !" + secret, "secret: &" + secret + " x", "secret: *" + secret,
        "secret: '${" + secret + "}'", "secret: '${" + secret, "list: [[" + secret + "]]",
        "secret: \"" + secret, "secret: {" + secret + "\n",
        "url: https://user:" + secret + "@host/path\nnumber: x",
        "url: https://host/?token=" + secret + "\nnumber: x",
        "url: 'a https://a/ https://u:" + secret + "@b'\nnumber: x"})
    EXPECT_FALSE(is_told(text)) << text;
}

TEST(Config, ALeadingZeroIsRefused) {
  auto read = [](Section& root) {
    int value = 0;
    EXPECT_FALSE(root.get("mode", value, 0, 1000));
  };
  EXPECT_EQ(error_of("mode: 0123\n", read),
            "t.yaml:1:7: mode: expected an integer of 0 to 1000 without a leading zero, found '0123'");
}

TEST(Config, BooleansAreTrueAndFalseOnly) {
  for (std::string_view word : {"yes", "no", "on", "off", "True", "1", "'true'"}) {
    auto read = [](Section& root) {
      bool value = false;
      EXPECT_FALSE(root.get("flag", value));
    };
    EXPECT_THAT(error_of("flag: " + std::string(word), read),
                HasSubstr("flag: expected true or false, found"));
  }
}

TEST(Config, DurationsAndSizesNeedTheirUnits) {
  for (std::string_view bad : {"25", "-1s", "1.5s", "s", "10 s", "1week", "99999999999999999d", "1h30m"}) {
    Document doc = Document::parse("wait: " + std::string(bad), "t.yaml");
    Millis wait{7};
    EXPECT_FALSE(doc.root().get("wait", wait)) << bad;
    EXPECT_EQ(wait, Millis(7));
  }
  for (std::string_view bad : {"64k", "64KB", "1.5MiB", "-1", "64 KiB", "99999999999GiB"}) {
    Document doc = Document::parse("size: " + std::string(bad), "t.yaml");
    size_t size = 0;
    EXPECT_FALSE(doc.root().get_size("size", size)) << bad;
  }
}

TEST(Config, RangesAreShownInTheirUnits) {
  auto read = [](Section& root) {
    Millis wait{1000};
    EXPECT_FALSE(root.get("ping", wait, 1s, 1h));
  };
  EXPECT_EQ(error_of("ping: 100ms", read),
            "t.yaml:1:7: ping: expected a duration of 1s to 1h, found '100ms'");
  auto read_size = [](Section& root) {
    size_t size = 0;
    EXPECT_FALSE(root.get_size("message", size, 1, 16 << 20));
  };
  EXPECT_EQ(error_of("message: 1GiB", read_size),
            "t.yaml:1:10: message: expected a size of 1B to 16MiB, found '1GiB'");
}

TEST(Config, UnknownKeysAreReportedWithAGuess) {
  Document doc = Document::parse("limits:\n  pong_wait: 1s\n  pingg: 2s\nzzz: 1\n", "t.yaml");
  Millis wait{0};
  Section limits = doc.root().section("limits");
  limits.get("ping", wait);
  limits.get("pong", wait);
  doc.root().finish();

  EXPECT_THAT(doc.errors(), ElementsAre("t.yaml:2:3: limits.pong_wait: unknown key",
                                        "t.yaml:3:3: limits.pingg: unknown key, did you mean 'ping'?",
                                        "t.yaml:4:1: zzz: unknown key"));
}

TEST(Config, AKeyThatIsNoSettingsIsToldByItsLength) {
  const std::string secrets[] = {"CanarySecret: 1\nCanarySecret: 2\n", "a: {CanarySecret}\n",
                                 "a: {0canary5secret0817: {b: 1}}\n", "a: [{? canary$secret : x}]\n",
                                 "a: *CanarySecret\n"};
  for (const std::string& text : secrets) {
    Document doc = Document::parse(text, "t.yaml");
    doc.root().section("a");
    doc.root().finish();
    EXPECT_FALSE(doc.ok()) << text;
    EXPECT_THAT(doc.error_text(), Not(HasSubstr("anary"))) << text;
  }
  Document doc = Document::parse("a: {CanarySecret: 1, b: {0canary5secret0817: '${env:'}}\n", "t.yaml");
  Scalars all = doc.root().section("a").scalars();
  EXPECT_THAT(all.unread(), Each(Not(HasSubstr("anary"))));
  EXPECT_THAT(all.unread(), Contains(HasSubstr("t.yaml:1:")));
  EXPECT_THAT(doc.error_text(), Not(HasSubstr("anary")));
}

TEST(Config, AnEntryOfAListIsNamedByItsPlace) {
  Document doc = Document::parse("hosts:\n  - a\n  - b c\n", "t.yaml");
  std::vector<std::string> hosts;
  doc.root().get("hosts", hosts);
  doc.root().error("hosts", 1, "expected a name");

  EXPECT_THAT(doc.errors(), ElementsAre("t.yaml:3:5: hosts.1: expected a name"));
}

TEST(Config, AnUnknownSectionIsOneError) {
  Document doc = Document::parse("gatway:\n  a: 1\n  b: 2\n", "t.yaml");
  doc.root().section("gateway");
  doc.root().finish();

  EXPECT_THAT(doc.errors(), ElementsAre("t.yaml:1:1: gatway: unknown key, did you mean 'gateway'?"));
}

TEST(Config, DuplicateKeysAreRefused) {
  auto read = [](Section& root) {
    int value = 0;
    root.get("a", value);
    root.get("b", value);
  };
  EXPECT_EQ(error_of("a: 1\nb: 2\na: 3\n", read), "t.yaml:3:1: 'a' is given twice; the first is on line 1");
}

TEST(Config, WhatYamlAllowsAndWeDoNot) {
  auto nothing = [](Section&) {};
  EXPECT_THAT(error_of("a: &x 1\nb: *x\n", nothing), HasSubstr("t.yaml:1:4: anchors and aliases"));
  EXPECT_THAT(error_of("a: !!int 1\n", nothing), HasSubstr("t.yaml:1:4: tags are not supported"));
  EXPECT_THAT(error_of("a: 1\n---\nb: 2\n", nothing), HasSubstr("t.yaml:3:1: a second document"));
  EXPECT_THAT(error_of("- a\n", nothing), HasSubstr("expected a map of settings, found a list"));
  EXPECT_THAT(error_of("{[1]: 2}\n", nothing), HasSubstr("expected a key"));
  EXPECT_THAT(error_of("a: [1\n", nothing), HasSubstr("t.yaml:"));
  EXPECT_THAT(error_of("a: \xff\n", nothing), HasSubstr("not UTF-8"));
  EXPECT_THAT(error_of(std::string(40, '[') + std::string(40, ']'), nothing),
              HasSubstr("nested deeper than 16"));
  EXPECT_THAT(error_of(std::string(kMaxFile + 1, '#'), nothing), HasSubstr("over 1MiB"));
}

TEST(Config, AnEmptyFileIsAnEmptySection) {
  Document doc = Document::parse("# nothing\n", "t.yaml");
  EXPECT_FALSE(doc.root().exists());
  doc.root().finish();
  EXPECT_TRUE(doc.ok());
}

TEST(Config, AMissingFileIsAnError) {
  Document doc = Document::load("/nonexistent/lcg.yaml");

  EXPECT_THAT(doc.error_text(), HasSubstr("cannot open '/nonexistent/lcg.yaml': No such file"));
}

TEST(Config, SubstitutesEnvironmentAndFiles) {
  std::string folder = ::testing::TempDir();
  std::ofstream(folder + "/secret.txt") << "hunter2\n";
  std::ofstream(folder + "/c.yaml") << "key: ${file:secret.txt}\nport: ${env:LCG_TEST_PORT}\nraw: a$${b}\n";
  ::setenv("LCG_TEST_PORT", "8000", 1);
  Document doc = Document::load(folder + "/c.yaml");
  std::string key;
  std::string raw;
  int port = 0;

  EXPECT_TRUE(doc.root().get_secret("key", key));
  EXPECT_TRUE(doc.root().get("port", port, 1, 65535));
  EXPECT_TRUE(doc.root().get("raw", raw));

  EXPECT_EQ(key, "hunter2");
  EXPECT_EQ(port, 8000);
  EXPECT_EQ(raw, "a${b}");
  EXPECT_EQ(doc.dump_effective(), "key: ***\nport: 8000\nraw: \"a${b}\"\n");
  ::unsetenv("LCG_TEST_PORT");
}

// What an operator must not see in a log is compared all the same.
TEST(Config, DigestsTellChangesThatAreNotShown) {
  const auto digests = [](const std::string& env, const std::string& user, const std::string& secret) {
    ::setenv("LCG_TEST_TEXT", env.c_str(), 1);
    Document doc =
        Document::parse("text: ${env:LCG_TEST_TEXT}\nlist: ['${env:LCG_TEST_TEXT}', b]\nurl: https://" +
                            user + "@host/?q=" + user + "\nkey: " + secret +
                            "\nplugin: { inner: { word: '${env:LCG_TEST_TEXT}' } }\nsame: 1\n",
                        "t.yaml");
    std::string text, url, key;
    std::vector<std::string> list;
    int same = 0;
    Section root = doc.root();
    root.get("text", text);
    root.get("list", list);
    root.get("url", url);
    root.get_secret("key", key);
    root.section("plugin").scalars();
    root.get("same", same);
    ::unsetenv("LCG_TEST_TEXT");
    return doc.digests();
  };
  const auto before = digests("one", "ann", "first");
  const auto changed = [&](const std::map<std::string, uint64_t>& now) {
    std::vector<std::string> out;
    for (const auto& [path, digest] : now)
      if (before.at(path) != digest) out.push_back(path);
    return out;
  };

  EXPECT_THAT(changed(digests("two", "ann", "first")), ElementsAre("list", "plugin.inner.word", "text"));
  EXPECT_THAT(changed(digests("one", "eve", "first")), ElementsAre("url"));
  EXPECT_THAT(changed(digests("one", "ann", "other")), ElementsAre("key"));
}

TEST(Config, ASubstitutionThatFailsIsAnError) {
  auto read = [](Section& root) {
    std::string value;
    EXPECT_FALSE(root.get("k", value));
  };
  EXPECT_EQ(error_of("k: ${env:LCG_NO_SUCH}", read),
            "t.yaml:1:4: k: the environment has no variable 'LCG_NO_SUCH'");
  EXPECT_THAT(error_of("k: ${file:/nonexistent}", read), HasSubstr("cannot open '/nonexistent'"));
  EXPECT_THAT(error_of("k: '${x'", read), HasSubstr("without '}'"));
  EXPECT_THAT(error_of("k: ${HOME}", read), HasSubstr("expected ${env:NAME} or ${file:path}"));
}

TEST(Config, ListsAndNamedSections) {
  Document doc = Document::parse(
      "listen:\n  - {port: 1}\n  - {port: 2, x: 3}\nspaces:\n  b: {n: 1}\n  a: {n: 2}\n", "t.yaml");
  Section root = doc.root();
  std::vector<int> ports;
  for (Section& entry : root.list("listen")) {
    int port = 0;
    entry.get("port", port);
    ports.push_back(port);
  }
  std::vector<std::string> names;
  for (auto& [name, section] : root.named("spaces")) {
    int n = 0;
    EXPECT_TRUE(section.get("n", n));
    names.push_back(name);
  }
  root.finish();

  EXPECT_THAT(ports, ElementsAre(1, 2));
  EXPECT_THAT(names, ElementsAre("b", "a"));
  EXPECT_THAT(doc.errors(), ElementsAre("t.yaml:3:15: listen.1.x: unknown key"));
}

TEST(Config, ScalarInAListStandsForAMap) {
  Document doc = Document::parse("listen: [\"a:1\", { address: b:2, tls: true }]\nplain: [1]\n", "t.yaml");
  Section root = doc.root();
  std::vector<std::string> addresses;
  for (Section& entry : root.list("listen", "address")) {
    entry.get("address", addresses.emplace_back());
    bool tls = false;
    entry.get("tls", tls);
  }
  root.list("plain");
  root.finish();

  EXPECT_THAT(addresses, ElementsAre("a:1", "b:2"));
  EXPECT_THAT(doc.errors(), ElementsAre("t.yaml:2:9: plain.0: expected a map of settings, found '1'"));
}

TEST(Config, RequiredKeysAndOwnChecksHaveAPlace) {
  Document doc = Document::parse("a:\n  slots: 1000\n", "t.yaml");
  Section a = doc.root().section("a");
  int slots = 0;
  a.require("listen");
  a.get("slots", slots);
  a.error("slots", "must be a power of two, found 1000");

  EXPECT_EQ(a.where("slots"), "t.yaml:2:10");
  EXPECT_THAT(doc.errors(), ElementsAre("t.yaml:2:3: a.listen: is missing and has no default",
                                        "t.yaml:2:10: a.slots: must be a power of two, found 1000"));
}

TEST(ConfigScalars, AnswersByPathAndReportsWhatNobodyRead) {
  Document doc = Document::parse(
      "plugins:\n  uaa:\n    tokn_ttl: 1h\n    pool: {size: 4}\n    servers:\n      - {host: a}\n      - "
      "{host: b}\n"
      "    none:\n",
      "conf/lcg.yaml");
  Scalars uaa = doc.root().section("plugins").section("uaa").scalars();

  EXPECT_EQ(uaa.scalar("pool.size"), "4");
  EXPECT_EQ(uaa.scalar("servers.#"), "2");
  EXPECT_EQ(uaa.scalar("servers.1.host"), "b");
  EXPECT_EQ(uaa.scalar("none"), "");
  EXPECT_EQ(uaa.scalar("token_ttl"), std::nullopt);
  EXPECT_EQ(uaa.scalar("servers"), std::nullopt);
  doc.root().finish();

  EXPECT_TRUE(doc.ok()) << doc.error_text();
  EXPECT_THAT(uaa.unread(),
              ElementsAre("conf/lcg.yaml:3:15: plugins.uaa.tokn_ttl: unknown key, did you mean 'token_ttl'?",
                          "conf/lcg.yaml:6:16: plugins.uaa.servers.0.host: unknown key"));
}

TEST(ConfigScalars, AnAbsentSectionHasNone) {
  Document doc = Document::parse("a: {}\n", "t.yaml");
  Scalars none = doc.root().section("b").scalars();

  EXPECT_EQ(none.scalar("x"), std::nullopt);
  EXPECT_THAT(none.unread(), IsEmpty());
}

}  // namespace
}  // namespace lcg::config
