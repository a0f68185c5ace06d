# Where things go (`make install`), in four components: drydock (the programs), library (libdrydock.so), dev (its headers,
# CMake and pkg-config files) and wdk (drydock-cc, the WDK headers and import libraries).
#
# The nbdkit plugin goes where nbdkit looks for plugins, wherever the rest goes; DRYDOCK_PLUGINDIR names another folder.

# Debian's own layout below every prefix: its linker, pkg-config and CMake look there.
if(NOT DEFINED CMAKE_INSTALL_LIBDIR AND CMAKE_LIBRARY_ARCHITECTURE AND EXISTS /etc/debian_version)
  set(CMAKE_INSTALL_LIBDIR lib/${CMAKE_LIBRARY_ARCHITECTURE} CACHE PATH "libraries, below the prefix")
endif()
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

find_package(PkgConfig REQUIRED)
pkg_get_variable(nbdkit_plugindir nbdkit plugindir)
set(DRYDOCK_PLUGINDIR ${nbdkit_plugindir} CACHE PATH "where nbdkit looks for plugins")
set(DRYDOCK_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/drydock)
set(DRYDOCK_WDK_CMAKE_DIR share/cmake/drydock-wdk)  # nothing of it depends on the machine

# drydock_man(COMPONENT page…): compressed, as Debian wants them.
function(drydock_man component)
  foreach(page IN LISTS ARGN)
    set(packed ${CMAKE_BINARY_DIR}/man/${page}.gz)
    add_custom_command(OUTPUT ${packed} COMMAND gzip -9nc ${CMAKE_SOURCE_DIR}/docs/${page} > ${packed}
      DEPENDS ${CMAKE_SOURCE_DIR}/docs/${page} VERBATIM)
    list(APPEND all ${packed})
  endforeach()
  add_custom_target(drydock_man_${component} ALL DEPENDS ${all})
  install(FILES ${all} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${component})
endfunction()

file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/man)
drydock_man(drydock drydock.1 drydock-run.1 drydock-inspect.1 drydock-ddi.1 drydock-explain.1 drydock-devices.1
  nbdkit-drydock-plugin.1)
drydock_man(wdk drydock-cc.1)
set(completions ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES tools/completion/drydock DESTINATION ${completions} COMPONENT drydock)
install(FILES tools/completion/drydock-cc DESTINATION ${completions} COMPONENT wdk)
install(FILES README.md docs/spec.md docs/rules.md docs/ddi-coverage.md docs/guides/your-first-driver.md
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/drydock COMPONENT drydock)

# dev
file(RELATIVE_PATH DRYDOCK_PC_TO_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
string(REGEX REPLACE "/$" "" DRYDOCK_PC_TO_PREFIX ${DRYDOCK_PC_TO_PREFIX})
configure_file(cmake/drydock.pc.in installed/drydock.pc @ONLY)
configure_file(cmake/drydock-config.cmake.in installed/drydock-config.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/installed/drydock-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/installed/drydock.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT dev)
install(FILES ${CMAKE_BINARY_DIR}/installed/drydock-config.cmake ${CMAKE_BINARY_DIR}/installed/drydock-config-version.cmake
  DESTINATION ${DRYDOCK_CMAKE_DIR} COMPONENT dev)

# wdk: drydock-cc finds everything under share/drydock beside its own bin.
configure_file(cmake/drydock-wdk-config.cmake.in installed/drydock-wdk-config.cmake @ONLY)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/installed/drydock-wdk-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(PROGRAMS tools/drydock-cc TYPE BIN COMPONENT wdk)
install(DIRECTORY include/wdk DESTINATION share/drydock/include COMPONENT wdk)
install(DIRECTORY tools/drivers DESTINATION share/drydock USE_SOURCE_PERMISSIONS COMPONENT wdk PATTERN __pycache__ EXCLUDE)
install(DIRECTORY ${CMAKE_BINARY_DIR}/implib DESTINATION share/drydock COMPONENT wdk
  FILES_MATCHING PATTERN "*.a" PATTERN "*.lib")
install(FILES ${CMAKE_BINARY_DIR}/installed/drydock-wdk-config.cmake ${CMAKE_BINARY_DIR}/installed/drydock-wdk-config-version.cmake
  cmake/drydock_add_miniport.cmake DESTINATION ${DRYDOCK_WDK_CMAKE_DIR} COMPONENT wdk)
