#include "debugger.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "server.h"

namespace drydock {
namespace {

constexpr const char* kScript = "drydock-gdb.py";

std::filesystem::path own_path() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored);
}

/// Beside this program in a build tree, else where it was installed.
Result<std::string> find_script() {
  const auto folder = own_path().parent_path();
  for (const auto& place : {folder / kScript, folder.parent_path() / "share/drydock" / kScript})
    if (std::error_code error; std::filesystem::exists(place, error)) return place.string();
  return refuse("cannot find {}", (folder / kScript).string());
}

/// Of the server that `run --nbd` would start as a child: under gdb it is the program itself.
Result<std::vector<std::string>> server_words(const RunRequest& request) {
  TRY(const std::string plugin, find_plugin());
  std::vector<std::string> words = {"nbdkit", "--foreground", "--unix", *request.nbd_socket, plugin};
  for (const auto& [key, value] : request.settings) words.push_back(key + '=' + value);
  return words;
}

}  // namespace

Result<std::vector<std::string>> debugger_command(const RunRequest& request, const std::vector<std::string>& words) {
  if (request.command) return refuse("--gdb goes with the self-check or with --nbd, not with --exec");
  if (!request.json_file.empty() && request.nbd_socket) return refuse("--gdb with --nbd has no --json: the debugged server writes no report");
  TRY(const std::string script, find_script());
  // The same file beside the program is what gdb looks for by itself, and warns about where it may not load it.
  std::vector<std::string> command = {"gdb", "-q", "-iex", "add-auto-load-safe-path " + script, "-x", script, "--args"};
  if (request.nbd_socket) {
    TRY(const auto server, server_words(request));
    command.insert(command.end(), server.begin(), server.end());
    return command;
  }
  command.push_back(own_path().string());
  std::copy_if(words.begin() + 1, words.end(), std::back_inserter(command), [](const std::string& word) { return word != "--gdb"; });
  return command;
}

std::string become_debugger(const RunRequest& request, const std::vector<std::string>& words) {
  auto command = debugger_command(request, words);
  if (!command) return command.error().message;
  std::vector<char*> arguments;
  for (std::string& word : *command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return errno == ENOENT ? "--gdb: gdb is not installed (package gdb)" : fmt::format("--gdb: cannot run gdb: {}", strerror(errno));
}

}  // namespace drydock
