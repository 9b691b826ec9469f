// lcgctl: the operator's tool. Talks to a running server over its admin socket; `check` needs none.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <tuple>

#include "appliance/check.h"
#include "appliance/ctl/admin_client.h"
#include "appliance/ctl/tables.h"
#include "appliance/exit_codes.h"
#include "base/visible.h"

namespace {

namespace json = boost::json;
using lcg::ctl::ask_server;

struct Options {
  std::string socket = "var/admin.sock";
  std::string server_user;
  bool as_json = false;
};

// The one way to the terminal: lines of visible text, whatever a client has called itself.
void print(std::string_view text, std::FILE* to = stdout) {
  std::string out;
  for (size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    lcg::append_visible(out, text.substr(0, end));
    out.push_back('\n');
  }
  lcg::append_visible(out, text);
  std::fwrite(out.data(), 1, out.size(), to);
}

// Asks, prints by `show` (or as JSON), and gives the exit status.
template <class Show>
int ask_and(const Options& options, json::object request, Show show) {
  const lcg::Result<json::value> answer = ask_server(options.socket, options.server_user, request);
  if (!answer.ok()) {
    print("lcgctl: " + lcg::visible(answer.status().message()) + "\n", stderr);
    return answer.status().code() == lcg::Code::kInvalid ? 1 : lcg::exit_code::kUnavailable;
  }
  print(options.as_json ? lcg::visible_json(json::serialize(answer.value())) + "\n" : show(answer.value()));
  return 0;
}

int list(const Options& options, const char* command, const std::string& filter, uint32_t limit,
         std::vector<std::string_view> fields) {
  json::object request{{"command", command}, {"filter", filter}, {"limit", limit}};
  return ask_and(options, std::move(request), [&](const json::value& answer) {
    const json::array& rows = answer.at("rows").as_array();
    std::string out = rows.empty() ? "none\n" : lcg::ctl::table(rows, fields);
    if (answer.at("more").as_bool()) out.append("(more; raise --limit)\n");
    return out;
  });
}

// How many slots each lane holds and under which terms; every slot with --all.
int slots(const Options& options, bool all) {
  if (all) return list(options, "slots", "", 10'000, {"slot", "lane", "term", "node"});
  return ask_and(options, {{"command", "slots"}, {"limit", 10'000}}, [](const json::value& answer) {
    std::map<int64_t, int64_t> of_lane;
    int64_t low = INT64_MAX, high = 0;
    const json::array& rows = answer.at("rows").as_array();
    for (const json::value& row : rows) {
      ++of_lane[row.at("lane").to_number<int64_t>()];
      low = std::min(low, row.at("term").to_number<int64_t>());
      high = std::max(high, row.at("term").to_number<int64_t>());
    }
    std::string out = std::to_string(rows.size()) + " slots, terms " + std::to_string(low) + " to " +
                      std::to_string(high) + "\n";
    for (const auto& [lane, count] : of_lane)
      out += "lane " + std::to_string(lane) + ": " + std::to_string(count) + "\n";
    return out;
  });
}

int check(const std::string& path, bool effective) {
  const lcg::CheckReport report = lcg::check_config(path);
  for (const std::string& problem : report.problems) print(lcg::visible(problem) + "\n", stderr);
  if (effective) print(report.effective);
  if (!report.readable) return lcg::exit_code::kNoConfig;
  if (!report.problems.empty()) return lcg::exit_code::kConfig;
  print(path + ": good\n");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "The operator's tool for LCG. Exit status: 0 done, 1 refused by the server, 64 usage, 66 no such file, "
      "69 no server, 78 a wrong configuration."};
  Options options;
  app.add_option("--socket", options.socket, "The server's admin.socket")->capture_default_str();
  app.add_option("--server-user", options.server_user,
                 "The user the server runs as, if neither root nor you");
  app.add_flag("--json", options.as_json, "Print the answer as JSON");
  app.require_subcommand(1);
  std::string filter, path, id, user, token, auth, session;
  uint32_t limit = 1000, ttl_s = 3600;
  bool flag = false;
  int status = 0;

  CLI::App* c = app.add_subcommand("check", "Check a configuration file; nothing is changed");
  c->add_option("file", path, "The configuration")->required();
  c->add_flag("--effective", flag, "Print every setting with what it comes to");
  c->callback([&] { status = check(path, flag); });

  c = app.add_subcommand("status", "Version, uptime, lanes, sessions");
  c->callback([&] {
    status =
        ask_and(options, {{"command", "status"}}, [](const json::value& a) { return lcg::ctl::outline(a); });
  });

  c = app.add_subcommand("sessions", "Open sessions");
  c->add_option("user", filter, "A user id or the beginning of one");
  c->add_option("--limit", limit, "Rows at most")->capture_default_str();
  c->callback([&] {
    status = list(options, "sessions", filter, limit,
                  {"user", "device", "epoch", "session", "lane", "remote", "name"});
  });

  c = app.add_subcommand("channels", "Channels with a subscriber or a history");
  c->add_option("channel", filter, "The beginning of the name");
  c->add_option("--limit", limit, "Rows at most")->capture_default_str();
  c->callback([&] {
    status = list(options, "channels", filter, limit,
                  {"channel", "sessions", "offset", "epoch", "provider", "slot"});
  });

  c = app.add_subcommand("slots", "Which lane owns what");
  c->add_flag("--all", flag, "A line a slot");
  c->callback([&] { status = slots(options, flag); });

  c = app.add_subcommand("explain", "The life of one message");
  c->add_option("id", id, "The message id")->required();
  c->callback([&] {
    status = ask_and(options, {{"command", "explain"}, {"id", id}},
                     [](const json::value& a) { return lcg::ctl::outline(a); });
  });

  c = app.add_subcommand("token", "Make or look at an access token");
  c->require_subcommand(1);
  CLI::App* t = c->add_subcommand("create", "A token for a user, printed alone on a line");
  t->add_option("user", user, "The user id")->required();
  t->add_option("--ttl", ttl_s, "Seconds it is good for")->capture_default_str();
  t->callback([&] {
    json::object request{{"command", "token_create"}, {"user", user}, {"ttl_ms", int64_t{ttl_s} * 1000}};
    status = ask_and(options, std::move(request), [](const json::value& a) {
      return std::string(a.at("access_token").as_string()) + "\n";
    });
  });
  t = c->add_subcommand("inspect", "Whose a token is, and whether it is good");
  t->add_option("token", token, "The token")->required();
  t->callback([&] {
    status = ask_and(options, {{"command", "token_inspect"}, {"token", token}},
                     [](const json::value& a) { return lcg::ctl::outline(a); });
  });

  c = app.add_subcommand("keys", "The signing keys of the tokens");
  c->require_subcommand(1);
  for (const auto& [name, what, command] :
       {std::tuple("list", "Which there are and which signs", "keys"),
        std::tuple("rotate", "Make a new one; it signs two minutes later", "keys_rotate"),
        std::tuple("rewrap", "Encrypt them in the store under a new credential", "keys_rewrap")})
    c->add_subcommand(name, what)->callback([&, command = command] {
      status = list(options, command, "", limit, {"serial", "use", "created_ms", "kid"});
    });

  c = app.add_subcommand("revoke", "End a user's logins: refuse their tokens, close their sessions");
  c->add_option("user", user, "The user id")->required();
  c->add_option("--auth", auth, "One login only");
  c->callback([&] {
    status = ask_and(options, {{"command", "revoke"}, {"user", user}, {"auth", auth}},
                     [](const json::value&) { return std::string("revoked\n"); });
  });

  c = app.add_subcommand("disconnect", "Close a user's sessions; their tokens stay good");
  c->add_option("user", user, "The user id")->required();
  c->add_option("--session", session, "One session only");
  c->callback([&] {
    status = ask_and(options, {{"command", "disconnect"}, {"user", user}, {"session", session}},
                     [](const json::value& a) { return lcg::ctl::outline(a); });
  });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : lcg::exit_code::kUsage;
  }
  return status;
}
