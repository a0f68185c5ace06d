#pragma once
// What is still locked where nothing may be any more: at the end of a process, or of a driver.

#include <optional>

#include "mem/mdl_book.h"
#include "trace/trace.h"

namespace drydock {

/// A finding for each MDL that still holds pages: of one process, which ends, or, without, of all, when the driver is gone.
/// It points at the lock, and is made once. DOC: VER-150 VER-151
void report_locked_pages(Trace& trace, MdlBook& book, const AddressSpace* process = nullptr);

}  // namespace drydock
