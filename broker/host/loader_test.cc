#include "broker/host/loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace lcg::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A private directory with copies of the plugins of testdata, whatever umask built them.
class Loader : public ::testing::Test {
 protected:
  Loader() {
    std::string pattern = std::filesystem::temp_directory_path() / "lcg-loader-XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
  }
  ~Loader() override { std::filesystem::remove_all(dir_); }

  std::string install(const std::string& name) {
    const std::string to = dir_ + "/" + name + ".so";
    std::filesystem::copy_file(std::string(LCG_TESTDATA) + "/" + name + ".so", to);
    EXPECT_EQ(::chmod(to.c_str(), 0644), 0);
    return to;
  }
  Result<LoadedPlugin> load(const std::string& name, const std::string& file = "") {
    return load_plugin({"/nonexistent", dir_}, name, file);
  }
  // What the loader says about a plugin that it must refuse.
  std::string refusal(const std::string& name) {
    install(name);
    Result<LoadedPlugin> loaded = load(name);
    return loaded.ok() ? "it was loaded" : loaded.status().message();
  }

  std::string dir_;
};

TEST_F(Loader, TakesARightPlugin) {
  const std::string path = install("right");

  Result<LoadedPlugin> loaded = load("right");

  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(loaded.value().path, path);
  EXPECT_EQ(loaded.value().version, "1.2.3");
  EXPECT_NE(loaded.value().ops.create, nullptr);
}

TEST_F(Loader, TakesAPluginOfANewerMinorThatLivesWithThisHost) {
  install("newer_minor");

  EXPECT_TRUE(load("newer_minor").ok());
}

TEST_F(Loader, RefusalsNameFieldValuesAndRemedy) {
  const std::pair<const char*, std::vector<const char*>> cases[] = {
      {"bad_magic", {"bad_magic.so", "magic", "0xdeadbeef", "0x3147434c"}},
      {"bad_major",
       {"bad_major.so", "built for ABI 2.0", "this broker offers 1.2",
        "install lcg-plugin-bad_major for 1.x"}},
      {"bad_minor", {"needs ABI 1.9", "offers 1.2", "upgrade lcg"}},
      {"bad_size", {"descriptor struct_size is 24", "at least 56", "sizeof(lcg_descriptor)"}},
      {"bad_ops_size", {"ops struct_size is 16", "at least 40", "sizeof(lcg_plugin_ops)"}},
      {"bad_null_ops", {"ops is NULL"}},
      {"bad_null_version", {"'version' is NULL"}},
      {"bad_null_descriptor", {"returned NULL"}},
      {"bad_no_stop", {"ops.stop is NULL", "required"}},
      {"bad_no_on_request", {"on_request is NULL", "request_mask is 0x00000010"}},
      {"bad_no_on_call", {"on_call is NULL", "provides 'storage'"}},
      {"bad_no_symbol", {"exports no lcg_plugin_descriptor"}},
      {"bad_name", {"'Not-A-Name'", "[a-z][a-z0-9_]*"}},
      {"bad_other_name", {"'somebody_else'", "the configuration says 'bad_other_name'"}},
  };
  for (const auto& [name, words] : cases) {
    const std::string text = refusal(name);
    for (const char* word : words) EXPECT_THAT(text, HasSubstr(word)) << name;
  }
}

TEST_F(Loader, RefusesAFileThatOthersMayWrite) {
  const std::string path = install("right");
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);

  Result<LoadedPlugin> loaded = load("right");

  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.status().code(), Code::kDenied);
  EXPECT_THAT(loaded.status().message(),
              AllOf(HasSubstr(path), HasSubstr("mode is 0666"), HasSubstr("chmod go-w")));
}

TEST_F(Loader, RefusesADirectoryThatOthersMayWrite) {
  install("right");
  ASSERT_EQ(::chmod(dir_.c_str(), 0777), 0);

  Result<LoadedPlugin> loaded = load("right");

  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.status().message(), AllOf(HasSubstr(dir_), HasSubstr("mode is 0777")));
}

TEST_F(Loader, RefusesAFileOfAnotherUser) {
  if (::geteuid() != 0) return;  // only root can give a file away
  const std::string path = install("right");
  ASSERT_EQ(::chown(path.c_str(), 12345, 0), 0);

  Result<LoadedPlugin> loaded = load("right");

  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.status().message(), HasSubstr("belongs to uid 12345"));
}

TEST_F(Loader, RefusesASymbolicLink) {
  std::filesystem::create_symlink(std::string(LCG_TESTDATA) + "/right.so", dir_ + "/right.so");

  Result<LoadedPlugin> loaded = load("right");

  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.status().message(), HasSubstr("not a regular file"));
}

TEST_F(Loader, RefusesADirectoryBelowOneThatOthersMayWrite) {
  const std::string parent = dir_;
  dir_ += "/plugins";
  ASSERT_EQ(::mkdir(dir_.c_str(), 0755), 0);
  install("right");
  ASSERT_EQ(::chmod(parent.c_str(), 0777), 0);

  Result<LoadedPlugin> loaded = load("right");
  dir_ = parent;

  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.status().code(), Code::kDenied);
  EXPECT_THAT(loaded.status().message(), AllOf(HasSubstr(parent + ": mode is 0777")));
}

TEST_F(Loader, FollowsItsOwnLinkToADirectoryAndNotThatOfAnotherUser) {
  install("right");
  const std::string link = dir_ + "/link";
  ASSERT_EQ(::symlink(dir_.c_str(), link.c_str()), 0);
  EXPECT_TRUE(load_plugin({link}, "right", "").ok());
  if (::geteuid() != 0) return;  // only root can give a link away
  ASSERT_EQ(::lchown(link.c_str(), 12345, 0), 0);

  Result<LoadedPlugin> loaded = load_plugin({link}, "right", "");

  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.status().message(), AllOf(HasSubstr(link), HasSubstr("belongs to uid 12345")));
}

TEST_F(Loader, RefusesPathsAndMalformedNames) {
  for (const char* file : {"../right.so", "/right.so", "a/b.so", "..", ".hidden.so"}) {
    EXPECT_EQ(load("right", file).status().code(), Code::kInvalid) << file;
  }
  for (const char* name : {"", "Right", "../right", "right.so", "1right", "ri-ght"}) {
    EXPECT_EQ(load(name).status().code(), Code::kInvalid) << name;
  }
}

TEST_F(Loader, SaysWhereItLooked) {
  Result<LoadedPlugin> loaded = load("absent");

  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.status().code(), Code::kNotFound);
  EXPECT_THAT(loaded.status().message(),
              AllOf(HasSubstr("absent.so"), HasSubstr("/nonexistent"), HasSubstr(dir_)));
}

TEST_F(Loader, SaysWhyTheLinkerRefused) {
  const std::string path = dir_ + "/broken.so";
  std::filesystem::copy_file("/etc/hostname", path);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);

  Result<LoadedPlugin> loaded = load("broken");

  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.status().message(), AllOf(HasSubstr(path), HasSubstr("cannot be loaded")));
}

}  // namespace
}  // namespace lcg::host
