# Building Windows drivers inside a CMake project.
#
#   drydock_add_miniport(name SOURCES a.c b.c [COMPILER gcc|clang] [DEFINES X=1 …] [INCLUDES dir …] [OPTIONS -O0 …]
#                        [OUTPUT_NAME file])
#
# makes ${CMAKE_BINARY_DIR}/drivers/<name>.sys with drydock-cc, as target driver_<name>, part of `all`. It is built
# anew when a source, a header beside one, drydock's WDK headers or the table of exported routines changes.
#
# drydock_implibs is the target that makes the import libraries in ${CMAKE_BINARY_DIR}/implib from that table.

if(NOT DRYDOCK_CC)  # in drydock's own tree; installed, drydock-wdk-config.cmake has said where things are
  set(DRYDOCK_TOOLS ${CMAKE_CURRENT_LIST_DIR}/../tools)
  set(DRYDOCK_CC ${DRYDOCK_TOOLS}/drydock-cc)
  set(DRYDOCK_START ${DRYDOCK_TOOLS}/drivers)
  set(DRYDOCK_WDK ${CMAKE_CURRENT_LIST_DIR}/../include/wdk)
  set(DRYDOCK_IMPLIB ${CMAKE_BINARY_DIR}/implib)
endif()
set(DRYDOCK_MODULES storport.sys scsiport.sys ntoskrnl.exe hal.dll drydock_san.sys)

# Called once, where drydock's own build defines the program drydock-exports.
function(drydock_import_libraries)
  foreach(module IN LISTS DRYDOCK_MODULES)
    cmake_path(REMOVE_EXTENSION module OUTPUT_VARIABLE stem)
    list(APPEND prints COMMAND drydock-exports --def ${module} > ${stem}.def.new
                       COMMAND ${CMAKE_COMMAND} -E copy_if_different ${stem}.def.new ${stem}.def)
    list(APPEND definitions ${stem}.def)
    list(APPEND libraries ${DRYDOCK_IMPLIB}/lib${stem}.a ${DRYDOCK_IMPLIB}/${stem}.lib)
  endforeach()
  file(MAKE_DIRECTORY ${DRYDOCK_IMPLIB})
  add_custom_command(OUTPUT ${DRYDOCK_IMPLIB}/stamp BYPRODUCTS ${libraries}
    ${prints}
    COMMAND ${DRYDOCK_TOOLS}/drivers/make-implibs . ${definitions}
    COMMAND ${CMAKE_COMMAND} -E touch stamp
    DEPENDS drydock-exports ${DRYDOCK_TOOLS}/drivers/make-implibs
    WORKING_DIRECTORY ${DRYDOCK_IMPLIB} COMMENT "Import libraries for drivers" VERBATIM)
  add_custom_target(drydock_implibs DEPENDS ${DRYDOCK_IMPLIB}/stamp)
endfunction()

function(drydock_add_miniport name)
  cmake_parse_arguments(A "" "COMPILER;OUTPUT_NAME" "SOURCES;DEFINES;INCLUDES;OPTIONS" ${ARGN})
  if(NOT A_SOURCES)
    message(FATAL_ERROR "drydock_add_miniport(${name}): no SOURCES")
  endif()
  if(NOT A_COMPILER)
    set(A_COMPILER gcc)
  endif()
  if(NOT A_OUTPUT_NAME)
    set(A_OUTPUT_NAME ${name})
  endif()
  foreach(own IN ITEMS sources beside flags)  # the caller may have variables of these names
    set(${own})
  endforeach()
  foreach(source IN LISTS A_SOURCES)
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND sources ${source})
    cmake_path(GET source PARENT_PATH folder)
    list(APPEND beside ${folder}/*.h)
  endforeach()
  foreach(folder IN LISTS A_INCLUDES)
    cmake_path(ABSOLUTE_PATH folder BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND flags -I ${folder})
    list(APPEND beside ${folder}/*.h)
  endforeach()
  list(TRANSFORM A_DEFINES PREPEND -D)
  list(REMOVE_DUPLICATES beside)
  file(GLOB headers CONFIGURE_DEPENDS ${beside} ${DRYDOCK_WDK}/*.h ${DRYDOCK_WDK}/crt/*.h ${DRYDOCK_START}/start*)
  if(A_COMPILER STREQUAL gcc)
    set(library ${DRYDOCK_IMPLIB}/libstorport.a)
  else()
    set(library ${DRYDOCK_IMPLIB}/storport.lib)
  endif()
  set(image ${CMAKE_BINARY_DIR}/drivers/${A_OUTPUT_NAME}.sys)
  add_custom_command(OUTPUT ${image}
    COMMAND ${DRYDOCK_CC} --compiler=${A_COMPILER} --implib ${DRYDOCK_IMPLIB} ${flags} ${A_DEFINES}
            ${A_OPTIONS} -o ${image} ${sources}
    DEPENDS ${sources} ${headers} ${library} ${DRYDOCK_CC}
    COMMENT "Driver ${A_OUTPUT_NAME}.sys (${A_COMPILER})" VERBATIM)
  add_custom_target(driver_${name} ALL DEPENDS ${image})
  if(TARGET drydock_implibs)
    add_dependencies(driver_${name} drydock_implibs)
  endif()
  set_target_properties(driver_${name} PROPERTIES DRYDOCK_IMAGE ${image})
endfunction()
