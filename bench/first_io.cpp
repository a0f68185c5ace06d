// first_io DRIVER NANOSECONDS: how long after that instant of the monotonic clock (taken before this program was started)
// the first READ through the driver had completed. Prints nanoseconds.

#include <drydock/machine.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  drydock::Options options;
  options.driver = argv[1];
  options.disk = "null";
  const auto started = drydock::Machine::start(options);
  std::vector<std::byte> block(4096);
  if (!started || started.machine->disk().read(block, 0) != 0) {
    std::fprintf(stderr, "first_io: %s\n", started.error.message.c_str());
    return 1;
  }
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  std::printf("%lld\n", now.tv_sec * 1000000000ll + now.tv_nsec - std::atoll(argv[2]));
  std::fflush(stdout);
  std::_Exit(0);
}
