#include "rig.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace drydock::bench {
namespace {

constexpr std::size_t kFill = 64 << 10;

void demand(int error, const char* what) {
  if (error == 0) return;
  std::fprintf(stderr, "bench: %s: %s\n", what, strerror(error));
  std::_Exit(1);
}

}  // namespace

std::unique_ptr<Rig> Rig::set_up(const Case& line, const std::string& drivers) {
  Options options;
  options.driver = drivers + '/' + std::string(line.driver);
  options.disk = line.disk;
  options.checks = line.checks;
  auto started = Machine::start(options);
  if (!started) {
    std::fprintf(stderr, "bench: %s\n", started.error.message.c_str());
    return nullptr;
  }
  std::unique_ptr<Rig> rig(new Rig(std::move(started.machine), line.random));
  if (line.random) rig->fill();
  return rig;
}

Rig::Rig(std::unique_ptr<Machine> machine, bool random)
    : machine_(std::move(machine)), disk_(machine_->disk()), blocks_(random ? disk_.size() / kBlock : 1) {}

void Rig::fill() {
  std::vector<std::byte> data(kFill);
  for (std::size_t i = 0; i < kFill; ++i) data[i] = static_cast<std::byte>(i * 7);
  for (std::uint64_t offset = 0; offset < disk_.size(); offset += kFill) demand(disk_.write(data, offset), "write");
}

/// All over the disk, the same in every run (multiplier: Knuth's MMIX).
std::uint64_t Rig::next_offset() {
  choice_ = choice_ * 6364136223846793005u + 1442695040888963407u;
  return (choice_ >> 33) % blocks_ * kBlock;
}

void Rig::read(std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) demand(disk_.read(buffer_, next_offset()), "read");
}

}  // namespace drydock::bench
