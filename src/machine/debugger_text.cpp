// What gdb's `drydock srbs` shows (tools/gdb/drydock-gdb.py calls this on the thread that is stopped in a driver).

#include <fmt/format.h>

#include <cstring>

#include "machine/kernel.h"

namespace drydock {
namespace {

const char* name_of(storport::Request::State state) {
  using State = storport::Request::State;
  switch (state) {
    case State::queued: return "waits in its queue";
    case State::started: return "the miniport has it";
    case State::completed: return "completed, its DPC to come";
    case State::abandoned: return "given up, the miniport still has it";
    default: return "";
  }
}

std::string srbs(const MachineKernel& kernel) {
  std::string text;
  for (const auto& adapter : kernel.adapters())
    for (const auto& request : adapter->slots())
      if (request->state != storport::Request::State::idle)
        text += fmt::format("SRB {:<5} at {}  extension {}  function {:#04x}  opcode {:#04x}  {} bytes in {} pieces: {}\n", request->serial,
                            request->srb_driver, request->extension_driver, request->srb.function(), request->srb.opcode(),
                            request->data_length, request->mapping.elements(), name_of(request->state));
  return text.empty() ? "no SRB is on its way\n" : text;
}

}  // namespace
}  // namespace drydock

extern "C" __attribute__((noinline, used)) const char* drydock_debugger_text(const char* what) {
  static std::string text;
  const auto* kernel = static_cast<const drydock::MachineKernel*>(drydock::current_machine());
  if (kernel == nullptr) return "this thread drives no machine\n";
  text = std::strcmp(what, "srbs") == 0 ? drydock::srbs(*kernel) : "";
  return text.c_str();
}
