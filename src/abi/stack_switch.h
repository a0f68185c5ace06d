#pragma once
// The switch from one stack to another, thin over boost.context's raw fcontext. It saves rbx, rbp, r12-r15, MXCSR and the
// x87 control word; everything else is the caller's. A context that is not resumed is simply forgotten: nothing unwinds,
// so its stack may be unmapped under frames of a driver (a boost::context::fiber would unwind and end in terminate).

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>

namespace drydock::stack_switch {

using Context = boost::context::detail::fcontext_t;
/// Where a switch came from, and what it brought along.
using Transfer = boost::context::detail::transfer_t;
using Entry = void (*)(Transfer);

/// A context that starts `entry` (which must never return) on the stack ending at `top`.
inline Context make(void* top, std::size_t size, Entry entry) {
  return boost::context::detail::make_fcontext(top, size, entry);
}

inline Transfer jump(Context to, void* data) { return boost::context::detail::jump_fcontext(to, data); }

}  // namespace drydock::stack_switch
