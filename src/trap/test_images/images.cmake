# The same source as a PE image of every compiler that this machine has, for trap_test.
set(images_dir ${CMAKE_CURRENT_BINARY_DIR}/test_images)
set(images_source ${CMAKE_CURRENT_SOURCE_DIR}/test_images/instructions.c)
file(MAKE_DIRECTORY ${images_dir})

find_program(MINGW_GCC x86_64-w64-mingw32-gcc)
find_program(CLANG_PE NAMES clang-19 clang-14 clang)
find_program(LLD_LINK NAMES lld-link-19 lld-link-14 lld-link)
find_program(LLD_GNU NAMES ld.lld-19 ld.lld-14 ld.lld)

set(images)
if(MINGW_GCC)
  add_custom_command(OUTPUT ${images_dir}/gcc.sys
    COMMAND ${MINGW_GCC} -g -O2 -ffreestanding -mno-stack-arg-probe -fno-strict-aliasing -shared -nostdlib
            -Wl,--subsystem,native -Wl,--entry,DriverEntry -Wl,--dynamicbase,--nxcompat -o gcc.sys ${images_source}
    DEPENDS ${images_source} WORKING_DIRECTORY ${images_dir} VERBATIM)
  list(APPEND images ${images_dir}/gcc.sys)
endif()
set(clang_flags -g -O2 -ffreestanding -fno-strict-aliasing -fasynchronous-unwind-tables -mno-stack-arg-probe)
if(CLANG_PE AND LLD_GNU)
  add_custom_command(OUTPUT ${images_dir}/clang_gnu.sys
    COMMAND ${CLANG_PE} --target=x86_64-pc-windows-gnu ${clang_flags} -c -o clang_gnu.o ${images_source}
    COMMAND ${LLD_GNU} -m i386pep --subsystem native --entry DriverEntry -shared -o clang_gnu.sys clang_gnu.o
    DEPENDS ${images_source} WORKING_DIRECTORY ${images_dir} VERBATIM)
  list(APPEND images ${images_dir}/clang_gnu.sys)
endif()
if(CLANG_PE AND LLD_LINK)
  add_custom_command(OUTPUT ${images_dir}/clang_msvc.sys
    COMMAND ${CLANG_PE} --target=x86_64-pc-windows-msvc ${clang_flags} -gcodeview -c -o clang_msvc.obj ${images_source}
    COMMAND ${LLD_LINK} /driver /subsystem:native /entry:DriverEntry /nodefaultlib /debug /out:clang_msvc.sys clang_msvc.obj
    DEPENDS ${images_source} WORKING_DIRECTORY ${images_dir} VERBATIM)
  list(APPEND images ${images_dir}/clang_msvc.sys)
endif()

add_custom_target(trap_test_images DEPENDS ${images})
add_dependencies(trap_test trap_test_images)
target_compile_definitions(trap_test PRIVATE TRAP_TEST_IMAGES="${images_dir}")
