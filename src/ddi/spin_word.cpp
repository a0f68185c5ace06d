#include "ddi/spin_word.h"

namespace drydock::ddi {

// DOC: VER-91 a second acquisition by the same CPU would hang it on Windows; here it is a finding and goes on.
void acquire_word(Call& call, ULONG_PTR& word) {
  const ULONG_PTR self = call.scheduler().cpu().index + 1;
  if (word == self) return call.broken("VER-91", "", fmt::format("{}: this CPU holds the spin lock already", call.name()));
  SpinWait round(call.scheduler());
  while (word != 0 && round.once()) {
  }
  if (word != 0) call.broken("VER-91", "", fmt::format("{}: the spin lock is held by CPU {}, which does not release it (waited for 20 s)", call.name(), word - 1));
  word = self;
  if (CallFrame* frame = call.services().call.frame()) ++frame->locks_held;
}

void release_word(Call& call, ULONG_PTR& word) {
  if (word == 0) call.broken("VER-91", "", fmt::format("{}: the spin lock is not held", call.name()));
  word = 0;
  if (CallFrame* frame = call.services().call.frame(); frame != nullptr && frame->locks_held != 0) --frame->locks_held;
}

}  // namespace drydock::ddi
