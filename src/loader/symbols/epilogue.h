#pragma once
// Is a function about to return? Epilogues of x64 Windows code have one documented shape, so that an unwinder can tell:
// free the fixed part (add rsp, n | lea rsp, n[frame]), pop registers, then return or jump to another function.
// Recognised from the code bytes in the file.

#include <cstdint>
#include <optional>
#include <vector>

#include "loader/pe_image.h"
#include "loader/symbols/unwind.h"

namespace drydock {

/// What the rest of an epilogue will do, in this order.
struct Epilogue {
  std::optional<unsigned> frame_register;  // rsp = this register + add; without one, rsp += add
  std::uint64_t add = 0;
  std::vector<unsigned> pops;              // register numbers
};

/// The epilogue that `rva`, an instruction of `function` behind its prologue, lies in; nothing in the body.
std::optional<Epilogue> epilogue_at(const PeImage& pe, std::uint32_t rva, const FunctionEntry& function,
                                    unsigned frame_register);

}  // namespace drydock
