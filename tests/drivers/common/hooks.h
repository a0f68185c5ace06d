/*
 * Comes before everything else in the sources of drivers/ddvioblk when a fixture is built on them: what ddvioblk calls is
 * the fixture's, which calls Storport, or spoils the answer. A fixture that needs real DMA and real interrupts is a correct
 * driver with one of its routines wrapped.
 */
#ifndef __ASSEMBLER__
#pragma once

#include <ntddk.h>
#include <storport.h>

ULONG HookedInitialize(PVOID DriverObject, PVOID RegistryPath, PHW_INITIALIZATION_DATA Init, PVOID Context);
PSTOR_SCATTER_GATHER_LIST HookedList(PVOID Adapter, PSCSI_REQUEST_BLOCK Srb);

#define StorPortInitialize           HookedInitialize
#define StorPortGetScatterGatherList HookedList
#endif
