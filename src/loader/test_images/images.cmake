# Small PE images for loader_test, one for each way of building a driver that this machine has.
set(images_dir ${CMAKE_CURRENT_BINARY_DIR}/test_images)
set(images_source ${CMAKE_CURRENT_SOURCE_DIR}/test_images)
file(MAKE_DIRECTORY ${images_dir})

find_program(MINGW_GCC x86_64-w64-mingw32-gcc)
find_program(MINGW_DLLTOOL x86_64-w64-mingw32-dlltool)
find_program(CLANG_PE NAMES clang-19 clang-14 clang)
find_program(LLD_LINK NAMES lld-link-19)  # 14 cannot make import libraries
find_program(LLD_GNU NAMES ld.lld-19 ld.lld-14 ld.lld)

set(images)
if(MINGW_GCC AND MINGW_DLLTOOL)
  add_custom_command(OUTPUT ${images_dir}/libhost.a
    COMMAND ${MINGW_DLLTOOL} -d ${images_source}/host.def -l ${images_dir}/libhost.a
    DEPENDS ${images_source}/host.def VERBATIM)
  add_custom_command(OUTPUT ${images_dir}/gcc.sys
    COMMAND ${MINGW_GCC} -g -O2 -ffreestanding -mno-stack-arg-probe -fno-optimize-sibling-calls -shared -nostdlib
            -Wl,--subsystem,native -Wl,--entry,DriverEntry -Wl,--dynamicbase,--nxcompat
            -o gcc.sys ${images_source}/fixture.c libhost.a
    DEPENDS ${images_source}/fixture.c ${images_dir}/libhost.a WORKING_DIRECTORY ${images_dir} VERBATIM)
  list(APPEND images ${images_dir}/gcc.sys)
endif()
if(CLANG_PE AND LLD_GNU AND MINGW_DLLTOOL AND MINGW_GCC)
  add_custom_command(OUTPUT ${images_dir}/clang_gnu.sys
    COMMAND ${CLANG_PE} --target=x86_64-pc-windows-gnu -g -O2 -ffreestanding -fasynchronous-unwind-tables
            -mno-stack-arg-probe -c -o clang_gnu.o ${images_source}/fixture.c
    COMMAND ${LLD_GNU} -m i386pep --subsystem native --entry DriverEntry -shared -o clang_gnu.sys clang_gnu.o libhost.a
    DEPENDS ${images_source}/fixture.c ${images_dir}/libhost.a WORKING_DIRECTORY ${images_dir} VERBATIM)
  list(APPEND images ${images_dir}/clang_gnu.sys)
endif()
if(CLANG_PE AND LLD_LINK)
  add_custom_command(OUTPUT ${images_dir}/clang_msvc.sys
    COMMAND ${LLD_LINK} /lib /machine:x64 /def:${images_source}/host.def /out:host.lib
    COMMAND ${CLANG_PE} --target=x86_64-pc-windows-msvc -g -gcodeview -O2 -ffreestanding -fasynchronous-unwind-tables
            -mno-stack-arg-probe -c -o clang_msvc.obj ${images_source}/fixture.c
    COMMAND ${LLD_LINK} /driver /subsystem:native /entry:DriverEntry /nodefaultlib /debug /out:clang_msvc.sys
            clang_msvc.obj host.lib
    DEPENDS ${images_source}/fixture.c ${images_source}/host.def WORKING_DIRECTORY ${images_dir})
  list(APPEND images ${images_dir}/clang_msvc.sys)
endif()

add_custom_target(loader_test_images DEPENDS ${images})
add_dependencies(loader_test loader_test_images)
target_compile_definitions(loader_test PRIVATE
  LOADER_TEST_IMAGES="${images_dir}" LOADER_TEST_FIXTURE="${images_source}/fixture.c")
