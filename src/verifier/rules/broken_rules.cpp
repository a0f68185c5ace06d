// Rules that the core sees directly broken: an argument, a state, an IRQL. The event says everything.

#include "verifier/rules/rules.h"

namespace drydock {

void BrokenRules::observe(const TraceEvent& event) {
  if (const auto* broken = std::get_if<RuleBroken>(&event))
    log_.report(broken->rule, broken->code, broken->message, broken->where, broken->related);
}

}  // namespace drydock
