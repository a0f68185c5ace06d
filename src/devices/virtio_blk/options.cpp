#include "devices/virtio_blk/options.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <iterator>
#include <utility>

#include "devices/virtio_blk/spec.h"

namespace drydock::virtio_blk {

namespace {

using Value = std::string_view;

bool read_switch(Value value, bool& into) {
  if (value != "on" && value != "off") return false;
  into = value == "on";
  return true;
}

template <class T>
bool read_number(Value value, std::uint64_t lowest, std::uint64_t highest, T& into) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < lowest || number > highest) return false;
  into = static_cast<T>(number);
  return true;
}

bool read_power(Value value, std::uint64_t lowest, std::uint64_t highest, std::uint32_t& into) {
  return read_number(value, lowest, highest, into) && std::has_single_bit(into);
}

bool read_cache(Value value, bool& into) {
  if (value != "writeback" && value != "none") return false;
  into = value == "writeback";
  return true;
}

bool read_mode(Value value, virtio::Interface& into) {
  constexpr std::array<Value, 3> kModes = {"modern", "transitional", "legacy"};  // in the order of Interface
  const auto found = std::find(kModes.begin(), kModes.end(), value);
  into = static_cast<virtio::Interface>(found - kModes.begin());
  return found != kModes.end();
}

bool read_serial(Value value, std::string& into) {
  const bool printable = std::all_of(value.begin(), value.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (value.empty() || value.size() > kIdBytes || !printable) return false;
  into = value;
  return true;
}

struct Key {
  OptionHelp help;
  bool (*read)(Value value, Options& into);
};

const Key kKeys[] = {
    {{"mode", "modern|transitional|legacy", "modern",
      "register interface: virtio 1.x (PCI 1AF4:1042), virtio 0.9.5 in I/O BAR 0 (1AF4:1001), or both (1AF4:1001)"},
     [](Value v, Options& o) { return read_mode(v, o.mode); }},
    {{"queues", "1..8", "2", "request queues, each with its own interrupt message"},
     [](Value v, Options& o) { return read_number(v, 1, kQueuesMax, o.queues); }},
    {{"queue_size", "4..1024, a power of two", "256", "entries of a queue"},
     [](Value v, Options& o) { return read_power(v, 4, kQueueSizeMax, o.queue_size); }},
    {{"seg_max", "1..queue_size-2", "queue_size-2", "data segments of one request"},
     [](Value v, Options& o) { return read_number(v, 1, kQueueSizeMax - 2, o.seg_max); }},
    {{"size_max", "512..1073741824", "no limit", "bytes of one data segment"},
     [](Value v, Options& o) { return read_number(v, 512, 1u << 30, o.size_max); }},
    {{"blk_size", "512|4096", "512", "bytes of a logical block"},
     [](Value v, Options& o) { return (v == "512" || v == "4096") && read_power(v, 512, 4096, o.blk_size); }},
    {{"physical_blk_size", "512..65536, a power of two", "blk_size", "bytes of a physical block"},
     [](Value v, Options& o) { return read_power(v, 512, 65536, o.physical_blk_size); }},
    {{"opt_io_size", "bytes", "nothing said", "best size of a request, a multiple of blk_size"},
     [](Value v, Options& o) { return read_number(v, 0, 1u << 30, o.opt_io_size); }},
    {{"serial", "1 to 20 characters", "drydock", "serial number"}, [](Value v, Options& o) { return read_serial(v, o.serial); }},
    {{"ro", "on|off", "off", "a read-only disk"}, [](Value v, Options& o) { return read_switch(v, o.ro); }},
    {{"cache", "writeback|none", "writeback", "a volatile write cache, lost when power fails"},
     [](Value v, Options& o) { return read_cache(v, o.cache); }},
    {{"wce", "on|off", "on", "the driver may switch the write cache"}, [](Value v, Options& o) { return read_switch(v, o.wce); }},
    {{"discard", "on|off", "on", "DISCARD"}, [](Value v, Options& o) { return read_switch(v, o.discard); }},
    {{"write_zeroes", "on|off", "on", "WRITE ZEROES"}, [](Value v, Options& o) { return read_switch(v, o.write_zeroes); }},
    {{"indirect", "on|off", "on", "indirect descriptors"}, [](Value v, Options& o) { return read_switch(v, o.indirect); }},
    {{"event_idx", "on|off", "on", "interrupts and doorbells on demand (event index)"},
     [](Value v, Options& o) { return read_switch(v, o.event_idx); }},
    {{"msix", "on|off", "on", "MSI-X; without it INTx"}, [](Value v, Options& o) { return read_switch(v, o.msix); }},
    {{"latency", "nanoseconds", "10000", "virtual time from a doorbell to the work"},
     [](Value v, Options& o) { return read_number(v, 0, kLatencyMax, o.latency); }},
};

std::string all_keys() {
  std::string list;
  for (const Key& key : kKeys) list += (list.empty() ? "" : ", ") + std::string(key.help.key);
  return list;
}

using Seen = std::array<bool, std::size(kKeys)>;

Result<void> read_one(std::string_view item, Seen& seen, Options& into) {
  const auto equals = item.find('=');
  const std::string_view name = item.substr(0, equals);
  const auto key = std::find_if(std::begin(kKeys), std::end(kKeys), [&](const Key& k) { return k.help.key == name; });
  if (key == std::end(kKeys)) return refuse("virtio-blk has no option '{}'; it has {}", name, all_keys());
  if (std::exchange(seen[static_cast<std::size_t>(key - std::begin(kKeys))], true)) return refuse("virtio-blk,{}: {} is given twice", item, name);
  if (equals == std::string_view::npos || !key->read(item.substr(equals + 1), into))
    return refuse("virtio-blk,{}: {} must be {}", item, name, key->help.values);
  return {};
}

Result<void> check_together(const Options& options) {
  if (options.segments() > options.queue_size - 2)
    return refuse("virtio-blk,seg_max={}: a queue of {} entries holds {} data segments at most", options.seg_max, options.queue_size,
                  options.queue_size - 2);
  if (options.physical() < options.blk_size)
    return refuse("virtio-blk,physical_blk_size={}: smaller than blk_size={}", options.physical_blk_size, options.blk_size);
  if (options.opt_io_size % options.blk_size != 0)
    return refuse("virtio-blk,opt_io_size={}: not a multiple of blk_size={}", options.opt_io_size, options.blk_size);
  return {};
}

}  // namespace

Result<Options> parse_options(std::string_view text) {
  Options options;
  Seen seen{};
  while (!text.empty()) {
    const auto comma = text.find(',');
    TRY_VOID(read_one(text.substr(0, comma), seen, options));
    text = comma == std::string_view::npos ? "" : text.substr(comma + 1);
  }
  TRY_VOID(check_together(options));
  return options;
}

const std::vector<OptionHelp>& option_help() {
  static const std::vector<OptionHelp> rows = [] {
    std::vector<OptionHelp> all;
    for (const Key& key : kKeys) all.push_back(key.help);
    return all;
  }();
  return rows;
}

}  // namespace drydock::virtio_blk
