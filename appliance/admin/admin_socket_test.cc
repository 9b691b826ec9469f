#include "appliance/admin/admin_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>

#include "appliance/ctl/admin_client.h"

namespace lcg::admin {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr uid_t kStranger = 12345;

// Listens at `path` until it is closed.
int squat(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(fd, 1), 0);
  return fd;
}

class AdminSocketTest : public ::testing::Test {
 protected:
  AdminSocketTest() : socket_(lane_, [](std::string, auto answer) { answer("{}"); }) {
    std::string pattern = fs::temp_directory_path() / "lcg-admin-XXXXXX";
    folder_ = fs::canonical(::mkdtemp(pattern.data())).string();
    path_ = folder_ + "/admin.sock";
  }
  ~AdminSocketTest() override {
    socket_.stop();
    fs::remove_all(folder_);
  }
  // "" or why not.
  std::string listen() { return socket_.listen(path_).message(); }

  AsioLane lane_{0};
  AdminSocket socket_;
  std::string folder_, path_;
};

TEST_F(AdminSocketTest, LeavesAloneWhatIsNoSocket) {
  std::ofstream(path_) << "precious";
  EXPECT_THAT(listen(), HasSubstr(path_ + " is a file"));
  EXPECT_EQ(fs::file_size(path_), 8u);

  fs::remove(path_);
  fs::create_directory(path_);
  EXPECT_THAT(listen(), HasSubstr(path_ + " is a directory"));

  fs::remove(path_);
  fs::create_symlink("/etc/hostname", path_);
  EXPECT_THAT(listen(), HasSubstr(path_ + " is a link"));
  EXPECT_TRUE(fs::is_symlink(path_));
}

TEST_F(AdminSocketTest, ReplacesADeadSocketOfItsOwnAndNoOther) {
  ::close(squat(path_));
  ASSERT_EQ(::chown(path_.c_str(), ::geteuid(), ::getegid()), 0);
  if (::chown(path_.c_str(), kStranger, 0) == 0) {  // only root can give it away
    EXPECT_THAT(listen(), HasSubstr("is a socket of uid 12345"));
    ASSERT_EQ(::chown(path_.c_str(), ::geteuid(), 0), 0);
  }
  EXPECT_EQ(listen(), "");
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(AdminSocketTest, ASocketThatIsServedStopsTheStart) {
  const int fd = squat(path_);
  EXPECT_THAT(listen(), HasSubstr("is in use by a running server"));
  ::close(fd);
}

TEST_F(AdminSocketTest, MakesItsFolderAndRefusesOneThatOthersMayWrite) {
  path_ = folder_ + "/run/admin.sock";
  EXPECT_EQ(listen(), "");
  struct stat info {};
  ASSERT_EQ(::stat((folder_ + "/run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  socket_.stop();

  ASSERT_EQ(::chmod((folder_ + "/run").c_str(), 0777), 0);
  AdminSocket other(lane_, [](std::string, auto answer) { answer("{}"); });
  EXPECT_THAT(other.listen(path_).message(), HasSubstr("mode is 0777"));
}

TEST_F(AdminSocketTest, TheClientTellsAStrangerNothing) {
  if (::geteuid() != 0) return;  // only root can be two users
  ASSERT_EQ(::chmod(folder_.c_str(), 01777), 0);
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(kStranger) != 0 || ::setuid(kStranger) != 0) ::_exit(9);
    const int listener = squat(path_);
    (void)!::write(ready[1], "x", 1);
    const int peer = ::accept(listener, nullptr, nullptr);
    char heard;
    ::_exit(::read(peer, &heard, 1) > 0 ? 1 : 0);
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);

  const auto answer = ctl::ask_server(path_, "", boost::json::object{{"token", "secret"}});

  EXPECT_EQ(answer.status().code(), Code::kDenied);
  EXPECT_THAT(answer.status().message(), HasSubstr("runs as uid 12345"));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

}  // namespace
}  // namespace lcg::admin
