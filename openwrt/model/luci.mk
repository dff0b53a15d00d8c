# What LuCI's luci.mk makes of an application's variables and folders. Translations it puts into packages of
# their own, in a format that only its po2lmo writes.

LUCI_NAME:=$(notdir $(CURDIR))
PKG_NAME?=$(LUCI_NAME)

include $(INCLUDE_DIR)/package.mk

define Package/$(LUCI_NAME)
  SECTION:=luci
  TITLE:=$(LUCI_TITLE)
  URL:=$(LUCI_URL)
  DEPENDS:=$(LUCI_DEPENDS)
  PKGARCH:=$(LUCI_PKGARCH)
endef

define Package/$(LUCI_NAME)/description
  $(LUCI_DESCRIPTION)
endef

define Package/$(LUCI_NAME)/install
	$(INSTALL_DIR) $(1)/www
	cp -pR htdocs/* $(1)/www/
	cp -pR root/* $(1)/
	chmod -R u=rwX,go=rX $(1)
endef

# Menu and rights are read anew.
define Package/$(LUCI_NAME)/postinst
[ -n "$${IPKG_INSTROOT}" ] || { \
	rm -f /tmp/luci-indexcache.*; \
	rm -rf /tmp/luci-modulecache/; \
	/etc/init.d/rpcd reload 2>/dev/null; \
	exit 0; \
}
endef

$(eval $(call BuildPackage,$(LUCI_NAME)))
