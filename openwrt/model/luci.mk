# What LuCI's luci.mk makes of an app: htdocs/ goes below /www, root/ onto the root, and its caches are
# dropped. Translations become packages of their own (pack.py).

PKG_NAME:=$(notdir $(CURDIR))
PKG_VERSION?=$(LUCI_VERSION)
PKG_RELEASE?=1
# luci.mk takes no other name.
PKG_MAINTAINER:=$(LUCI_MAINTAINER)
PKG_LICENSE_FILES:=
PKG_CPE_ID:=

include $(INCLUDE_DIR)/package.mk

define Package/$(PKG_NAME)
  SECTION:=luci
  CATEGORY:=LuCI
  SUBMENU:=3. Applications
  TITLE:=$(LUCI_TITLE)
  DEPENDS:=$(LUCI_DEPENDS)
  PKGARCH:=$(LUCI_PKGARCH)
endef

define Package/$(PKG_NAME)/description
  $(if $(LUCI_DESCRIPTION),$(LUCI_DESCRIPTION),$(LUCI_TITLE))
endef

define Package/$(PKG_NAME)/install
	install -d -m0755 $(1)/www
	cp -R htdocs/. $(1)/www/
	cp -R root/. $(1)/
	chmod -R u=rwX,go=rX $(1)
endef

define Package/$(PKG_NAME)/postinst
#!/bin/sh
[ -n "$${IPKG_INSTROOT}" ] || {
	rm -f /tmp/luci-indexcache.*
	rm -rf /tmp/luci-modulecache/
	/etc/init.d/rpcd reload
	exit 0
}
endef

$(eval $(call BuildPackage,$(PKG_NAME)))
